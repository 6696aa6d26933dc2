/** The runs as a table: a line per fault and mode. */
import { readFileSync, writeFileSync } from "node:fs";
import type { RunResult } from "./run.ts";

const HEAD = ["fault", "mode", "runs", "acknowledged", "lost", "counted twice", "worst recovery s", ""];
const BEGIN = "<!-- faults:begin -->";
const END = "<!-- faults:end -->";

export const tableOf = (runs: readonly RunResult[]): string => {
  const groups = Map.groupBy(runs, ({ fault, mode }) => `${fault} ${mode}`);
  const rows = [...groups.values()].map((group) => [
    group[0]?.fault ?? "",
    group[0]?.mode ?? "",
    ...sums(group),
  ]);
  const total = ["all", "", ...sums(runs)];
  return [HEAD, HEAD.map(() => "---"), ...rows, total].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};

const sums = (runs: readonly RunResult[]): string[] => {
  const sum = (of: (run: RunResult) => number): string =>
    runs.reduce((total, run) => total + of(run), 0).toLocaleString("en-US");
  const worst = runs.some(({ recoverySeconds }) => recoverySeconds === null)
    ? "never"
    : Math.max(...runs.map(({ recoverySeconds }) => recoverySeconds ?? 0)).toFixed(1);
  const bad = runs.filter(({ ok }) => !ok).length;
  return [
    String(runs.length),
    sum(({ acknowledged }) => acknowledged),
    sum(({ lost }) => lost),
    sum(({ countedTwice }) => countedTwice),
    worst,
    bad === 0 ? "ok" : `${bad} NOT OK`,
  ];
};

/** Puts the table between the marks of a page; throws when it has none. */
export const writeInto = (file: string, table: string): void => {
  const page = readFileSync(file, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  writeFileSync(file, `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`);
};
