/** The table of `npm run bench`: one value per repetition, the target of their median, and what an order cost beside it. */
import { tableOf } from "../../../dev/markdown.ts";
import { medianOf } from "../judge/statistics.ts";
import type { Environment, Run } from "../run/results.ts";
import { cpuPerThousand, cpuPerThousandBy } from "./costs.ts";
import { ordersPerSecond } from "./figures.ts";

/** In the unit of the values; null where a figure is only published. */
export type Target = { readonly atLeast: number } | { readonly atMost: number } | null;

export type Figure = {
  readonly name: string;
  readonly values: readonly number[];
  readonly target: Target;
  /** After the values: "ms", "MB"; none for a ratio. */
  readonly unit?: string;
  /** Of the runs that the values describe; of a ratio those of its numerator. Null where no orders were sent. */
  readonly cost: Cost | null;
};

/** Medians; null where a run has no such process, or sent orders otherwise than over HTTP. */
export type Cost = {
  readonly ordersPerSecond: number;
  /** CPU of the process that serves HTTP, per acknowledged order. */
  readonly serverMicroseconds: number | null;
  /** CPU of it, the databases and the workers that ran, per acknowledged order. */
  readonly systemMicroseconds: number | null;
  /** Of the process that serves HTTP: what is resident, shared or not. Compiled peers, which share nothing, do not report it. */
  readonly memoryMegabytes: number | null;
};

/** As `--json` has it; `ok` says whether the median meets the target, and is true without one. */
export type Result = {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly target: number | null;
  readonly ok: boolean;
  readonly cost: Cost | null;
};

export const resultOf = ({ name, values, target, cost }: Figure): Result => {
  const median = medianOf(values);
  const ok = target === null || ("atLeast" in target ? median >= target.atLeast : median <= target.atMost);
  const [bound = null] = Object.values(target ?? {});
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { name, median: digits(median), min: digits(min), max: digits(max), target: bound, ok, cost };
};

/** More than three digits do not repeat. */
const digits = (value: number): number => Number(value.toPrecision(3));

const MICROSECONDS_PER_MILLISECOND = 1_000;
const BYTES_PER_MEGABYTE = 1_000_000;

export const costOf = (runs: readonly Run[]): Cost | null => {
  if (runs.length === 0) return null;
  const median = (of: (run: Run) => number | null, scale: number): number | null => {
    const values = runs.flatMap((run) => of(run) ?? []);
    return values.length === 0 ? null : digits(medianOf(values) * scale);
  };
  return {
    ordersPerSecond: digits(medianOf(runs.map(ordersPerSecond))),
    // CPU-seconds per 1 000 orders are milliseconds per order
    serverMicroseconds: median((run) => cpuPerThousandBy(run, "order-api"), MICROSECONDS_PER_MILLISECOND),
    systemMicroseconds: median(cpuPerThousand, MICROSECONDS_PER_MILLISECOND),
    memoryMegabytes: median(residentBytesOf, 1 / BYTES_PER_MEGABYTE),
  };
};

const residentBytesOf = ({ resources }: Run): number | null => {
  const server = resources["order-api"];
  return server?.peakResidentBytes ?? server?.peakRssBytes ?? null;
};

const whole = (value: number | null | undefined): string => value?.toLocaleString("en-US") ?? "";

/** A figure with fewer values than repetitions shows how many it has. */
export const figuresTable = (figures: readonly Figure[], repetitions: number): string =>
  tableOf(
    ["figure", "median (range)", "target", "orders/s", "server µs", "system µs", "memory MB"],
    figures.map((figure) => {
      const { median, min, max, ok, cost } = resultOf(figure);
      const { name, target, unit, values } = figure;
      const count = values.length < repetitions ? `, ${values.length} of ${repetitions}` : "";
      const aim = target === null ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
      return [
        name,
        `${median}${unit ? ` ${unit}` : ""} (${min}–${max}${count})`,
        target === null || ok ? aim : `${aim}, missed`,
        whole(cost?.ordersPerSecond),
        whole(cost?.serverMicroseconds),
        whole(cost?.systemMicroseconds),
        whole(cost?.memoryMegabytes),
      ];
    }),
  );

/** What the figures were measured on: without it a ratio means little. */
export const machineText = ({ cpuModel, cores, versions, pinning }: Environment): string =>
  `${cpuModel}, ${cores} cores, Node ${versions["node"]}. Pinning: ${pinning}.`;
