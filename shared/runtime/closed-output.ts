/**
 * `command | head -1`: when the reader of the output has gone, the program ends quietly. Programs that stop in order on
 * SIGTERM do so; others end at once. Without this Node throws EPIPE with a stack trace.
 */
export const endWithReader = (): void => {
  let isEnding = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    if (isEnding) return;
    isEnding = true;
    if (process.listenerCount("SIGTERM") === 0) process.exit();
    process.kill(process.pid, "SIGTERM");
  };
  process.stdout.on("error", onError);
  process.stderr.on("error", onError);
};
