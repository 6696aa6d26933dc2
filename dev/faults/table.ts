/** The runs in two tables: what they say of each mode, and of each fault. */
import { tableOf } from "../markdown.ts";
import { faults } from "./faults.ts";
import type { RunResult } from "./run.ts";

const MODE_HEAD = [
  "mode",
  "faults survived",
  "runs",
  "orders acknowledged",
  "lost",
  "counted twice",
  "worst recovery",
];

/** A line per mode, and one for all of them. */
export const modesTable = (runs: readonly RunResult[]): string => {
  const modes = [...Map.groupBy(runs, ({ mode }) => mode)].sort(([a], [b]) => a.localeCompare(b));
  return tableOf(
    MODE_HEAD,
    [...modes, ["all", runs] as const].map(([mode, group]) => [mode, ...sums(group)]),
  );
};

/** A line per fault: how long each mode needed at most; empty where it means nothing to a mode. */
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

/** As SCALE.md has it. */
export const sectionOf = (runs: readonly RunResult[]): string => {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  return [
    `${seeds.length === 1 ? "Seed" : "Seeds"} ${seeds.join(", ")}. Recovery is from the end of a fault until 99 of 100 orders, over two seconds, are acknowledged within 100 ms and on a dashboard within a second.`,
    modesTable(runs),
    "<details><summary>Each fault, with the worst recovery of its runs</summary>",
    faultsTable(runs),
    "</details>",
  ].join("\n\n");
};

const sums = (runs: readonly RunResult[]): string[] => {
  const sum = (of: (run: RunResult) => number): string =>
    runs.reduce((total, run) => total + of(run), 0).toLocaleString("en-US");
  const faults = [...Map.groupBy(runs, ({ fault, mode }) => `${mode} ${fault}`).values()];
  const survived = faults.filter((group) => group.every(({ ok }) => ok)).length;
  return [
    `${survived} of ${faults.length}`,
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
