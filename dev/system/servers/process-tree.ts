// Signals to a server and its children together. PostgreSQL's children each open a session of their own, so no
// process group reaches them; Redis forks to rewrite its log. Linux only: it reads /proc.
import { readdirSync, readFileSync } from "node:fs";

type Status = { state: string; parent: number; started: string };

/** undefined when there is no such process. */
const statusOf = (pid: number | string): Status | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // the second field is the program's name in brackets and may itself hold spaces and brackets
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", parent: Number(fields[1]), started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
};

/** A zombie counts as gone: it holds no file and no port, and a container may have no process that collects it. */
export const isAlive = (pid: number) => {
  const status = statusOf(pid);
  return status !== undefined && status.state !== "Z" && status.state !== "X";
};

/** The pid with its start time, since a pid alone may by now be another program's. */
export const fingerprint = (pid: number) => `${pid} ${statusOf(pid)?.started ?? "gone"}`;

export const isSameProcess = (print: string) => {
  const pid = Number(print.split(" ")[0]);
  return isAlive(pid) && fingerprint(pid) === print;
};

export const childrenOf = (parent: number): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statusOf(name)?.parent === parent)
    .map(Number);

/** True when the signal was delivered; false when the process is gone. */
export const signal = (pid: number, name: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
};

/** Longer than a thread stays in one read or write of a disk. */
const STOPPED_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 1;

/**
 * Stops the process first, so that it cannot fork while its children are being listed. Returns all pids stopped, once
 * none of their threads runs any more: on a busy machine that is milliseconds after the signal, and a broker answers
 * another request in them.
 */
export const freeze = (pid: number): number[] => {
  if (!signal(pid, "SIGSTOP")) return [];
  const children = childrenOf(pid);
  for (const child of children) signal(child, "SIGSTOP");
  const pids = [pid, ...children];
  for (const each of pids) waitUntilStopped(each);
  return pids;
};

/** Blocks: nothing may happen while the caller freezes processes. */
const waitUntilStopped = (pid: number): void => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const deadline = performance.now() + STOPPED_WITHIN_MS; performance.now() < deadline; ) {
    if (threadStatesOf(pid).every((state) => STOPPED_OR_GONE.has(state))) return;
    Atomics.wait(pause, 0, 0, LOOK_EVERY_MS);
  }
};

const STOPPED_OR_GONE: ReadonlySet<string> = new Set(["T", "t", "Z", "X"]);

/** None when the process is gone. */
export const threadStatesOf = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => statusOf(`${pid}/task/${thread}`)?.state ?? "X");
  } catch {
    return [];
  }
};

export const thaw = (pid: number) => {
  for (const one of [...childrenOf(pid), pid]) signal(one, "SIGCONT");
};

/** SIGKILL to the process and its children, as if the machine had lost them together. Returns the pids to wait for. */
export const killTree = (pid: number): number[] => {
  const pids = freeze(pid);
  for (const one of pids) signal(one, "SIGKILL");
  return pids;
};
