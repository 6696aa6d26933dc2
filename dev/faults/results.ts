/** The runs so far, in a file that grows by each. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { RunResult } from "./run.ts";

export type Results = {
  readonly runs: readonly RunResult[];
  add(run: RunResult): void;
};

/** Goes on with what the file holds, if `resumes`; else begins it anew. */
export const openResults = (file: string, resumes: boolean): Results => {
  const runs = resumes ? read(file) : [];
  return {
    runs,
    add: (run) => {
      runs.push(run);
      writeWhole(file, { runs });
    },
  };
};

/** Whole or not at all: a run that is interrupted must not cost the ones before it. */
export const writeWhole = (file: string, results: unknown): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(results, null, 1)}\n`);
  renameSync(`${file}.new`, file);
};

const read = (file: string): RunResult[] => {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { runs: RunResult[] }).runs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Error(`${file} cannot be gone on with: ${(error as Error).message}`);
  }
};
