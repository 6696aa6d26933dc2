/** Lines for a file, written a few times a second: a write for each would cost more than the request. */
import { closeSync, openSync, writeSync } from "node:fs";

export type Lines = { add(line: string): void; close(): void };

const WRITE_EVERY_MS = 100;

/** Without a file they go nowhere. */
export const openLines = (file: string | null): Lines => {
  if (file === null) return { add: () => undefined, close: () => undefined };
  const handle = openSync(file, "w");
  let waiting: string[] = [];
  const write = (): void => {
    if (waiting.length === 0) return;
    writeSync(handle, `${waiting.join("\n")}\n`);
    waiting = [];
  };
  const writing = setInterval(write, WRITE_EVERY_MS);
  return {
    add: (line) => {
      waiting.push(line);
    },
    close: () => {
      clearInterval(writing);
      write();
      closeSync(handle);
    },
  };
};
