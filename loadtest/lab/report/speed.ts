/** The figures of `npm run bench` and `npm run overload`: one value per repetition, and the target of their median. */
import { tableOf } from "../../../dev/markdown.ts";
import { FAN_OUT_CLIENTS, LIVE_ORDERS_PER_SECOND, V1_TICK_MS } from "../experiments/speed.ts";
import { medianOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Run, Suite } from "../run/results.ts";
import { isValid, ordersPerSecond } from "./figures.ts";

/** In the unit of the values; null where a figure is only published. */
type Target = { readonly atLeast: number } | { readonly atMost: number } | null;

export type Figure = {
  readonly name: string;
  readonly values: readonly number[];
  readonly target: Target;
  /** After the values: "ms", "MB"; none for a ratio. */
  readonly unit?: string;
};

/** As `--json` has it; `ok` says whether the median meets the target, and is true without one. */
export type Result = {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly target: number | null;
  readonly ok: boolean;
};

export const resultOf = ({ name, values, target }: Figure): Result => {
  const median = medianOf(values);
  const ok = target === null || ("atLeast" in target ? median >= target.atLeast : median <= target.atMost);
  const [bound = null] = Object.values(target ?? {});
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { name, median: digits(median), min: digits(min), max: digits(max), target: bound, ok };
};

/** More than three digits do not repeat. */
const digits = (value: number): number => Number(value.toPrecision(3));

/** A figure with fewer values than repetitions shows how many it has. */
export const figuresTable = (figures: readonly Figure[], repetitions: number): string =>
  tableOf(
    ["figure", "median", "range", "target", "result"],
    figures.map((figure) => {
      const { median, min, max, ok } = resultOf(figure);
      const { name, target, unit, values } = figure;
      const count = values.length < repetitions ? ` (${values.length} of ${repetitions})` : "";
      const aim = target === null ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
      const verdict = target === null ? "" : ok ? "ok" : "missed";
      return [name, unit ? `${median} ${unit}` : String(median), `${min} – ${max}${count}`, aim, verdict];
    }),
  );

/** Of the points that the suite has. A figure without values had a void run in every repetition. */
export const speedFigures = (suite: Suite): Figure[] =>
  FIGURES.flatMap((figure) => {
    const values = figure.values(suite);
    return values === null ? [] : [{ ...figure, values }];
  });

/** Null where the suite has no run of the point. */
type Definition = Omit<Figure, "values"> & { readonly values: (suite: Suite) => number[] | null };

type Selector = readonly [mode: string, point: string];

/** Every attempt at a point. */
const runsAt = ({ runs }: Suite, experiment: string, [mode, point]: Selector): Run[] =>
  runs
    .map(({ run }) => run)
    .filter((run) => run.experiment === experiment && run.mode === mode && run.point === `${mode} ${point}`);

/** Of repetitions in which both runs are valid. */
const ratios =
  (experiment: string, selector: Selector, ceiling: Selector, of = ordersPerSecond) =>
  (suite: Suite): number[] | null => {
    const runs = runsAt(suite, experiment, selector);
    const ceilings = new Map(
      runsAt(suite, experiment, ceiling)
        .filter(isValid)
        .map((run) => [run.repetition, of(run)]),
    );
    if (runs.length === 0) return null;
    return runs.filter(isValid).flatMap((run) => {
      const most = ceilings.get(run.repetition);
      return most === undefined ? [] : [of(run) / most];
    });
  };

const valuesOf =
  (experiment: string, selector: Selector, of: (run: Run) => number | undefined) =>
  (suite: Suite): number[] | null => {
    const runs = runsAt(suite, experiment, selector);
    return runs.length === 0 ? null : runs.filter(isValid).flatMap((run) => of(run) ?? []);
  };

const SINGLE = "1-order peak by wrk";
const BATCH = "500-order peak by wrk";
const NULL: Selector = ["null", SINGLE];
const toNull = (name: string, mode: string, variant: string, target: Target = null): Definition => ({
  name: `${name} / null baseline`,
  values: ratios("E14", [mode, variant === "" ? SINGLE : `${variant} ${SINGLE}`], NULL),
  target,
});

const ingestFigures: readonly Definition[] = [
  toNull("v1, single orders", "v1", "", { atLeast: 0.75 }),
  toNull("v2, single orders, appendfsync always", "v2", "", { atLeast: 0.75 }),
  toNull("v3, single orders, acks=-1", "v3", "", { atLeast: 0.7 }),
  toNull("v1, one INSERT per request", "v1-each", ""),
  toNull("v2, one XADD per order", "v2", "one XADD per order"),
  toNull("v2, appendfsync everysec", "v2", "appendfsync everysec"),
  ...MODE_NAMES.map((mode) => toNull(`${mode}, single orders, its worker running`, mode, "with its worker")),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, orders in batches of 500 / rows of a bare multi-row INSERT`,
    values: ratios("E14", [mode, BATCH], ["null", "500-order insert"], (run) =>
      run.varied["purpose"] === "peak" ? ordersPerSecond(run) : run.load.requestsPerSecond,
    ),
    target: { atLeast: 0.5 },
  })),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, two API processes / one`,
    values: ratios(
      "E14",
      [mode, `two APIs, two generators ${SINGLE}`],
      [mode, `one API, two generators ${SINGLE}`],
    ),
    target: null,
  })),
];

const perSecond = ({ load }: Run): number => load.requestsPerSecond;
const COPY: Selector = ["null", "1-order copy"];
const drainOf = (mode: string): Selector => [mode, "1-order drain"];

const drainFigures: readonly Definition[] = [
  ...["v2", "v3"].map((mode) => ({
    name: `${mode}, one worker's drain / COPY`,
    values: ratios("E15", drainOf(mode), COPY, perSecond),
    target: { atLeast: 0.5 },
  })),
  {
    name: "v1, counting a backlog of 1 000 000 / v2's drain",
    values: ratios("E15", ["v1", "1000000-order backlog"], drainOf("v2"), perSecond),
    target: { atLeast: 5 },
  },
];

const FRESH_WITHIN_MS = 300;
const MOST_MEGABYTES = 150;
const BYTES_PER_MEGABYTE = 1_000_000;
const liveOf = (mode: string): Selector => [mode, `live 1-order ${LIVE_ORDERS_PER_SECOND}/s`];

const memory = (name: string, mode: string, process: string): Definition => ({
  name: `${name}, resident memory at ${LIVE_ORDERS_PER_SECOND} orders/s`,
  values: valuesOf("E16", liveOf(mode), ({ resources }) => {
    const bytes = resources[process]?.peakResidentBytes;
    return bytes === undefined ? undefined : bytes / BYTES_PER_MEGABYTE;
  }),
  target: { atMost: MOST_MEGABYTES },
  unit: "MB",
});

const liveFigures: readonly Definition[] = [
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, freshness p99 at ${LIVE_ORDERS_PER_SECOND} orders/s`,
    values: valuesOf("E16", liveOf(mode), ({ freshnessMs }) => freshnessMs?.p99),
    target: { atMost: FRESH_WITHIN_MS + (mode === "v1" ? V1_TICK_MS : 0) },
    unit: "ms",
  })),
  ...MODE_NAMES.flatMap((mode) => [
    memory(`API of ${mode}`, mode, "order-api"),
    memory(`${mode} worker`, mode, `worker-${mode}`),
  ]),
];

const API: Selector = ["v1", "1-order fan-out"];
const BARE: Selector = ["v1", "1-order bare-fan-out"];
const delay = (name: string, selector: Selector): Definition => ({
  name: `fan-out, delay p99 from publishing, ${name}`,
  values: valuesOf("E17", selector, ({ varied }) => Number(varied["delayP99Ms"])),
  target: null,
  unit: "ms",
});

const fanOutFigures: readonly Definition[] = [
  {
    name: `WebSocket fan-out to ${FAN_OUT_CLIENTS} clients, 5 % slow / bare ws`,
    values: ratios("E17", API, BARE, perSecond),
    target: { atLeast: 0.9 },
  },
  {
    name: "fan-out, CPU per frame / bare ws",
    values: ratios("E17", API, BARE, ({ varied }) => Number(varied["cpuMicrosecondsPerFrame"])),
    target: null,
  },
  delay("API", API),
  delay("bare ws", BARE),
];

const FIGURES = [...ingestFigures, ...drainFigures, ...liveFigures, ...fanOutFigures];

const MOST_ACKNOWLEDGED_MS = 500;
const MOST_RECOVERY_SECONDS = 5;
const MOST_GROWTH_BYTES = 300 * 1_024 * 1_024;

/** Every reply an acknowledgement or a 503, acknowledgements in time, bounded memory, and a recovery. */
export const survived = (run: Run): boolean =>
  run.voids.length === 0 &&
  run.ledger.unknown === 0 &&
  run.ledger.acknowledged > 0 &&
  run.ackMs.p99 < MOST_ACKNOWLEDGED_MS &&
  growthBytes(run) < MOST_GROWTH_BYTES &&
  // "never" is not a number
  Number(run.varied["recoverySeconds"]) < MOST_RECOVERY_SECONDS;

const growthBytes = ({ varied }: Run): number =>
  Number(varied["memoryPeakBytes"]) - Number(varied["memoryBeforeBytes"]);

const whole = (value: unknown): string => Math.round(Number(value)).toLocaleString("en-US");

export const overloadTable = (suite: Suite): string =>
  tableOf(
    [
      ...[
        "mode",
        "capacity/s",
        "offered/s",
        "accepted/s",
        "503/s",
        "other or none",
        "accepted p50 ms",
        "p99 ms",
        "503 p99 ms",
      ],
      ...["sent late p99 ms", "memory grows by MB", "recovered in s", ""],
    ],
    overloads(suite).map((run) => {
      const { varied, ackMs, scheduleLagMs, ledger, load } = run;
      return [
        run.point.replace(/ \d+-order overload$/, ""),
        ...[varied["capacity"], varied["offered"], load.requestsPerSecond, varied["refused"]].map(whole),
        whole(ledger.unknown / load.ordersPerRequest),
        ...[ackMs.p50, ackMs.p99, varied["refusedP99Ms"], scheduleLagMs.p99].map(whole),
        whole(growthBytes(run) / 2 ** 20),
        String(varied["recoverySeconds"]),
        run.voids.length > 0 ? `VOID: ${run.voids.join("; ")}` : survived(run) ? "ok" : "NOT OK",
      ];
    }),
  );

/** The last attempt of each point and repetition. */
export const overloads = ({ runs }: Suite): Run[] => [
  ...new Map(
    runs
      .map(({ run }) => run)
      .filter(({ varied }) => varied["purpose"] === "overload")
      .map((run) => [`${run.point} ${run.repetition}`, run]),
  ).values(),
];
