/** What `npm start` runs, recorded for the commands that use the running system. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stateFolder } from "./servers/data-dir.ts";

export type RunningStack = {
  readonly pid: number;
  readonly url: string;
  /** Where its servers are, by the variables of the programs. */
  readonly env: Readonly<Record<string, string>>;
};

const fileIn = (root: string): string => join(stateFolder(root), "data", "running.json");

/** Resolves nothing: call what it returns when the stack has ended. */
export const writeRunning = (root: string, stack: RunningStack): (() => void) => {
  const file = fileIn(root);
  mkdirSync(dirname(file), { recursive: true });
  // it holds the passwords of given servers
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(stack), { mode: 0o600 });
  return () => rmSync(file, { force: true });
};

/** The stack that `npm start` runs now; null when it does not run, or ended without a word. */
export const readRunning = (root: string): RunningStack | null => {
  try {
    const stack = JSON.parse(readFileSync(fileIn(root), "utf8")) as RunningStack;
    process.kill(stack.pid, 0);
    return stack;
  } catch {
    // no file, half a file, or no process with this pid: nothing runs
    return null;
  }
};
