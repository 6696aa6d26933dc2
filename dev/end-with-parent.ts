import { Socket } from "node:net";

/** Well inside the second or two after which a user may start the program again. */
const POLL_MS = 250;

/**
 * Calls back once when the parent process has gone, however it ended. Two ways to notice: a parent that made a pipe for
 * it names its descriptor (`pipe`), and the kernel ends that pipe with the parent; for any other parent, such as npm,
 * the parent's pid is watched, which changes when this process is handed on. Keeps nothing alive by itself.
 */
export const onParentGone = (callback: () => void, pipe?: number) => {
  let called = false;
  const gone = () => {
    if (called) return;
    called = true;
    clearInterval(poll);
    callback();
  };
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid !== parent) gone();
  }, POLL_MS);
  poll.unref();
  if (pipe !== undefined)
    new Socket({ fd: pipe, readable: true, writable: false })
      .on("error", gone)
      .on("close", gone)
      .resume()
      .unref();
};
