/** The figures of `npm run bench` and their targets: which runs they compare. */
import { FAN_OUT_CLIENTS, LIVE_ORDERS_PER_SECOND, V1_TICK_MS } from "../experiments/speed.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Run, Suite } from "../run/results.ts";
import { cpuPerThousandBy } from "./costs.ts";
import { isValid, ordersPerSecond } from "./figures.ts";
import { costOf, type Figure, type Target } from "./speed.ts";

/** Of the points that the suite has. A figure without values had a void run in every repetition. */
export const speedFigures = (suite: Suite): Figure[] =>
  FIGURES.flatMap(({ valued, isCosted = true, ...figure }) => {
    const found = valued(suite);
    if (found === null) return [];
    const cost = isCosted ? costOf(found.map(({ run }) => run)) : null;
    return [{ ...figure, values: found.map(({ value }) => value), cost }];
  });

type Valued = { readonly run: Run; readonly value: number };

type Definition = Omit<Figure, "values" | "cost"> & {
  /** Null where the suite has no run of the point. */
  readonly valued: (suite: Suite) => Valued[] | null;
  /** Whether the rate, the CPU and the memory of its runs are those of orders; true by default. */
  readonly isCosted?: boolean;
};

type Selector = readonly [mode: string, point: string];

/** Every attempt at a point. */
const runsAt = ({ runs }: Suite, experiment: string, [mode, point]: Selector): Run[] =>
  runs
    .map(({ run }) => run)
    .filter((run) => run.experiment === experiment && run.mode === mode && run.point === `${mode} ${point}`);

/** Of repetitions in which both runs are valid. Null without a run of either point: a peer may be left out. */
const ratios =
  (experiment: string, selector: Selector, ceiling: Selector, of = ordersPerSecond) =>
  (suite: Suite): Valued[] | null => {
    const runs = runsAt(suite, experiment, selector);
    const bound = runsAt(suite, experiment, ceiling);
    if (runs.length === 0 || bound.length === 0) return null;
    const ceilings = new Map(bound.filter(isValid).map((run) => [run.repetition, of(run)]));
    return runs.filter(isValid).flatMap((run) => {
      const most = ceilings.get(run.repetition);
      return most === undefined ? [] : [{ run, value: of(run) / most }];
    });
  };

const valuesOf =
  (experiment: string, selector: Selector, of: (run: Run) => number | null | undefined) =>
  (suite: Suite): Valued[] | null => {
    const runs = runsAt(suite, experiment, selector);
    if (runs.length === 0) return null;
    return runs.filter(isValid).flatMap((run) => {
      const value = of(run);
      return value === undefined || value === null ? [] : [{ run, value }];
    });
  };

const SINGLE = "1-order peak by wrk";
const BATCH = "500-order peak by wrk";
const WORKING = `with its worker ${SINGLE}`;
const single = (mode: string): Selector => [mode, SINGLE];
const WORKING_BY_SOCKET = "with its worker 1-order peak by WebSocket";
const working = (mode: string): Selector => [mode, WORKING];

/** A ceiling has no target: its row shows what it reached. */
const rateOf = (name: string, experiment: string, selector: Selector): Definition => ({
  ...{ name: `${name}, orders/s`, target: null },
  valued: valuesOf(experiment, selector, ordersPerSecond),
});

const httpFigures: readonly Definition[] = [
  rateOf("bare node:http", "E19", single("node-http")),
  {
    name: "bare Fastify / bare node:http",
    valued: ratios("E19", single("fastify"), single("node-http")),
    target: null,
  },
  {
    name: "null baseline / bare Fastify",
    valued: ratios("E19", single("null"), single("fastify")),
    target: { atLeast: 0.9 },
  },
];

const NULL_SHARE: Readonly<Record<string, Target>> = {
  ...{ v1: { atLeast: 0.75 }, v2: { atLeast: 0.75 }, v3: { atLeast: 0.7 } },
};
const AXUM_SHARE: Readonly<Record<string, Target>> = {
  ...{ v1: { atLeast: 0.5 }, v2: { atLeast: 0.5 }, v3: { atLeast: 0.42 } },
};
const SOCKET_TARGET: Target = { atLeast: 0.7 };
const MOST_SERVER_MICROSECONDS: Readonly<Record<string, Target>> = {
  ...{ v1: { atMost: 60 }, v2: { atMost: 52 }, v3: { atMost: 62 } },
};

const ingestFigures: readonly Definition[] = [
  rateOf("axum, grouped INSERT", "E14", single("axum")),
  rateOf("Benthos to Kafka", "E14", single("benthos")),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, single orders, its worker running / axum, grouped INSERT`,
    valued: ratios("E14", working(mode), single("axum")),
    target: AXUM_SHARE[mode] ?? null,
  })),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, orders over a WebSocket, its worker running / axum, grouped INSERT`,
    valued: ratios("E14", [mode, WORKING_BY_SOCKET], single("axum")),
    target: SOCKET_TARGET,
  })),
  {
    name: "v3, single orders, its worker running / Benthos to Kafka",
    valued: ratios("E14", working("v3"), single("benthos")),
    target: { atLeast: 1.2 },
  },
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, CPU of the API per single order, its worker running`,
    valued: valuesOf("E14", working(mode), microsecondsOfServer),
    target: MOST_SERVER_MICROSECONDS[mode] ?? null,
    unit: "µs",
  })),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, single orders, no worker / null baseline`,
    valued: ratios("E14", single(mode), single("null")),
    target: NULL_SHARE[mode] ?? null,
  })),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, orders in batches of 500 / rows of a bare multi-row INSERT`,
    valued: ratios("E14", [mode, BATCH], ["null", "500-order insert"], (run) =>
      run.varied["purpose"] === "peak" ? ordersPerSecond(run) : run.load.requestsPerSecond,
    ),
    target: { atLeast: 0.5 },
  })),
];

function microsecondsOfServer(run: Run): number | null {
  const milliseconds = cpuPerThousandBy(run, "order-api");
  return milliseconds === null ? null : milliseconds * 1_000;
}

const toNull = (name: string, [mode, point]: Selector): Definition => ({
  name: `${name} / null baseline`,
  valued: ratios("E20", [mode, `${point} ${SINGLE}`.trim()], single("null")),
  target: null,
});

const variantFigures: readonly Definition[] = [
  toNull("v1, one INSERT per request", ["v1-each", ""]),
  toNull("v2, one XADD per order", ["v2", "one XADD per order"]),
  toNull("v2, appendfsync everysec", ["v2", "appendfsync everysec"]),
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, two API processes / one`,
    valued: ratios(
      "E20",
      [mode, `two APIs, two generators ${SINGLE}`],
      [mode, `one API, two generators ${SINGLE}`],
    ),
    // a cost is that of one process
    ...{ target: null, isCosted: false },
  })),
];

const perSecond = ({ load }: Run): number => load.requestsPerSecond;
const COPY: Selector = ["null", "1-order copy"];
const drainOf = (mode: string): Selector => [mode, "1-order drain"];

const drainFigures: readonly Definition[] = [
  ...["v2", "v3"].map((mode) => ({
    name: `${mode}, one worker's drain / COPY`,
    valued: ratios("E15", drainOf(mode), COPY, perSecond),
    target: { atLeast: 0.5 },
  })),
  {
    name: "v1, counting a backlog of 1 000 000 / v2's drain",
    valued: ratios("E15", ["v1", "1000000-order backlog"], drainOf("v2"), perSecond),
    target: { atLeast: 5 },
    // its rate is not one of orders in requests of one
    isCosted: false,
  },
];

const FRESH_WITHIN_MS = 300;
const MOST_MEGABYTES = { api: 130, worker: 150 };
const BYTES_PER_MEGABYTE = 1_000_000;
const liveOf = (mode: string): Selector => [mode, `live 1-order ${LIVE_ORDERS_PER_SECOND}/s`];

const memory = (name: string, mode: string, process: string, atMost: number): Definition => ({
  name: `${name}, resident memory at ${LIVE_ORDERS_PER_SECOND} orders/s`,
  valued: valuesOf("E16", liveOf(mode), ({ resources }) => {
    const bytes = resources[process]?.peakResidentBytes;
    return bytes === undefined ? undefined : bytes / BYTES_PER_MEGABYTE;
  }),
  target: { atMost },
  unit: "MB",
});

const liveFigures: readonly Definition[] = [
  ...MODE_NAMES.map((mode) => ({
    name: `${mode}, freshness p99 at ${LIVE_ORDERS_PER_SECOND} orders/s`,
    valued: valuesOf("E16", liveOf(mode), ({ freshnessMs }) => freshnessMs?.p99),
    target: { atMost: FRESH_WITHIN_MS + (mode === "v1" ? V1_TICK_MS : 0) },
    unit: "ms",
  })),
  ...MODE_NAMES.flatMap((mode) => [
    memory(`API of ${mode}`, mode, "order-api", MOST_MEGABYTES.api),
    memory(`${mode} worker`, mode, `worker-${mode}`, MOST_MEGABYTES.worker),
  ]),
];

const API: Selector = ["v1", "1-order fan-out"];
const BARE: Selector = ["v1", "1-order bare-fan-out"];
const delay = (name: string, selector: Selector): Definition => ({
  name: `fan-out, delay p99 from publishing, ${name}`,
  valued: valuesOf("E17", selector, ({ varied }) => Number(varied["delayP99Ms"])),
  ...{ target: null, unit: "ms", isCosted: false },
});

const fanOutFigures: readonly Definition[] = [
  {
    name: `WebSocket fan-out to ${FAN_OUT_CLIENTS} clients, 5 % slow / bare ws`,
    valued: ratios("E17", API, BARE, perSecond),
    target: { atLeast: 0.9 },
    isCosted: false,
  },
  {
    name: "fan-out, CPU per frame / bare ws",
    valued: ratios("E17", API, BARE, ({ varied }) => Number(varied["cpuMicrosecondsPerFrame"])),
    ...{ target: null, isCosted: false },
  },
  delay("API", API),
  delay("bare ws", BARE),
];

const FIGURES = [
  ...httpFigures,
  ...ingestFigures,
  ...variantFigures,
  ...drainFigures,
  ...liveFigures,
  ...fanOutFigures,
];
