/** The runs so far, in a file that grows with each, and as tables. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { tableOf } from "../markdown.ts";
import { faults } from "./faults.ts";
import type { RunResult } from "./run.ts";

export type Results = {
  readonly runs: readonly RunResult[];
  add(run: RunResult): void;
};

/** Continues what the file holds if `resumes`, else replaces it. */
export const openResults = (file: string, resumes: boolean): Results => {
  const runs = resumes ? read(file) : [];
  return {
    runs,
    add: (run) => {
      runs.push(run);
      writeAtomically(file, { runs });
    },
  };
};

/** An interrupted write must not cost the earlier results. */
export const writeAtomically = (file: string, results: unknown): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(results, null, 1)}\n`);
  renameSync(`${file}.new`, file);
};

const read = (file: string): RunResult[] => {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { runs: RunResult[] }).runs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Error(`${file} cannot be resumed: ${(error as Error).message}`);
  }
};

/** The section of SCALE.md; the table of each fault is in docs/scale/faults.md. */
export const summaryOf = (runs: readonly RunResult[]): string => {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const recovery =
    "Recovery: from the end of a fault until 99 of 100 orders, over two seconds, are acknowledged within 100 ms and shown on a dashboard within 1 s.";
  return `${seeds.length === 1 ? "Seed" : "Seeds"} ${seeds.join(", ")}. ${recovery}\n\n${modesTable(runs)}`;
};

const MODE_HEAD = [
  "mode",
  "faults survived",
  "runs",
  "orders acknowledged",
  "lost",
  "counted twice",
  "worst recovery",
];

/** A line for each mode, and one for all of them. */
export const modesTable = (runs: readonly RunResult[]): string => {
  const modes = [...Map.groupBy(runs, ({ mode }) => mode)].sort(([a], [b]) => a.localeCompare(b));
  return tableOf(
    MODE_HEAD,
    [...modes, ["all", runs] as const].map(([mode, group]) => [mode, ...sums(group)]),
  );
};

/** A line for each fault: the longest recovery of each mode; empty where the fault does not apply. */
export const faultsTable = (runs: readonly RunResult[]): string => {
  const modes = [...new Set(runs.map(({ mode }) => mode))].sort();
  // in the order of the list, whenever they ran
  const names = faults.map(({ name }) => name).filter((name) => runs.some(({ fault }) => fault === name));
  const rows = names.map((name) => [
    name,
    ...modes.map((mode) => recoveryOf(runs.filter((run) => run.mode === mode && run.fault === name))),
  ]);
  return tableOf(["fault", ...modes], rows);
};

const sums = (runs: readonly RunResult[]): string[] => {
  const sum = (of: (run: RunResult) => number): string =>
    runs.reduce((total, run) => total + of(run), 0).toLocaleString("en-US");
  const groups = [...Map.groupBy(runs, ({ fault, mode }) => `${mode} ${fault}`).values()];
  const survived = groups.filter((group) => group.every(({ ok }) => ok)).length;
  return [
    `${survived} of ${groups.length}`,
    String(runs.length),
    sum(({ acknowledged }) => acknowledged),
    sum(({ lost }) => lost),
    sum(({ countedTwice }) => countedTwice),
    recoveryOf(runs),
  ];
};

const recoveryOf = (runs: readonly RunResult[]): string => {
  if (runs.length === 0) return "";
  if (runs.some(({ ok }) => !ok)) return "NOT OK";
  return `${Math.max(...runs.map(({ recoverySeconds }) => recoverySeconds ?? 0)).toFixed(1)} s`;
};
