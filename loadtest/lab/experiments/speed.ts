/**
 * How close the system comes to its ceilings, as ratios of one run: `npm run bench`. And what it does when it is sent more
 * than it can accept: `npm run overload`. Points of one repetition are compared with each other.
 */
import type { MeasureName } from "../measures/measures.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { PEERS } from "../run/peers.ts";
import type { Experiment, Load, Point, Variables } from "./experiment.ts";

/** Workers stand still, so the backlog has to be accepted. */
const NO_LAG_LIMIT = { MAX_LAG_ORDERS: "20000000" };
const BATCH_ORDERS = 500;

type Rest = Partial<Omit<Point, "load">>;

const point = (
  measure: MeasureName,
  arrangement: string,
  name: string,
  load: Load,
  rest: Rest = {},
): Point => ({
  ...{ measure, arrangement, name, varied: {}, workers: 0, ...rest },
  load,
  settings: { ...NO_LAG_LIMIT, ...rest.settings },
});

/** Seconds of a closed loop. Its warm-up takes half as long, rounded up. */
const SECONDS = { single: 4, batch: 3, counted: 4 };
const single = (arrangement: string, name = "", rest: Rest = {}): Point =>
  point("closed-loop", arrangement, name, { seconds: SECONDS.single }, rest);
const batch = { ordersPerRequest: BATCH_ORDERS, seconds: SECONDS.batch };

export const ingest: Experiment = {
  id: "E14",
  title: "Ingest",
  question: "What does one API process accept, next to the null baseline, other programs and a bare INSERT?",
  points: () => [
    single("null"),
    ...PEERS.map(({ name }) => single(name)),
    ...MODE_NAMES.map((mode) => single(mode)),
    ...MODE_NAMES.map((mode) => single(mode, "with its worker", { workers: 1 })),
    ...MODE_NAMES.map((mode) =>
      point("socket-loop", mode, "with its worker", { seconds: SECONDS.single }, { workers: 1 }),
    ),
    point("insert", "null", "", batch),
    ...MODE_NAMES.map((mode) => point("closed-loop", mode, "", batch)),
  ],
};

const BACKLOG_ORDERS = 1_000_000;
const DRAIN_SECONDS = 3;
/** A worker that is held back waits longer than a statement usually may; a reconciliation would come into some of the runs. */
const HELD: Variables = { STATEMENT_TIMEOUT_MS: "180000", RECONCILE_EVERY_MS: "0" };

export const drain: Experiment = {
  id: "E15",
  title: "Drain",
  question: "How fast does one worker count a backlog, next to a bare COPY into the same table?",
  points: () => [
    point("copy", "null", "", {}),
    ...MODE_NAMES.filter((mode) => mode !== "v1").map((mode) =>
      point("drain", mode, "", { seconds: DRAIN_SECONDS }, { workers: 1, settings: HELD }),
    ),
    point("backlog", "v1", "", { ordersPerRequest: BACKLOG_ORDERS }, { settings: HELD }),
  ],
};

export const LIVE_ORDERS_PER_SECOND = 500;
/** v1 counts this often, so an order may wait as long before it is counted. */
export const V1_TICK_MS = 500;

export const live: Experiment = {
  id: "E16",
  title: "Live",
  question: "How fresh is the dashboard, and how much memory do the programs hold, at 500 orders/s?",
  points: () =>
    MODE_NAMES.map((arrangement) => ({
      ...{ arrangement, name: "live", varied: {}, needsValidRun: true },
      load: { rate: LIVE_ORDERS_PER_SECOND, warmUpSeconds: 3, seconds: 10 },
      settings: { V1_TICK_MS: String(V1_TICK_MS) },
    })),
};

export const FAN_OUT_CLIENTS = 5_000;
const sockets = { clients: FAN_OUT_CLIENTS, slowShare: 0.05 };

export const fanOut: Experiment = {
  id: "E17",
  title: "Fan-out",
  question: "How many frames does one API process send to 5 000 dashboards, next to bare ws?",
  points: () =>
    (["fan-out", "bare-fan-out"] as const).map((measure) =>
      point(
        measure,
        "v1",
        "",
        { seconds: 4 },
        { sockets, settings: { MAX_SOCKETS: String(FAN_OUT_CLIENTS) } },
      ),
    ),
};

/** What bounds a mode: its backend, made slow (one order a write, one write at a time), or the API, which reads large batches. */
const slowed = (mode: string): Variables => ({
  [`${mode.toUpperCase()}_GROUP_MAX_ORDERS`]: "1",
  [`${mode.toUpperCase()}_MAX_WRITES_IN_FLIGHT`]: "1",
});
const API_BOUND_ORDERS = 200;
const OVERLOAD_SECONDS = 10;

export const overload: Experiment = {
  id: "E18",
  title: "Overload",
  question: "What does each mode do at five times the rate that it accepts?",
  points: () =>
    MODE_NAMES.flatMap((arrangement): Point[] => {
      const common = { measure: "overload", arrangement, varied: {} } as const;
      const load = { seconds: OVERLOAD_SECONDS };
      return [
        { ...common, name: "backend bound", load, settings: slowed(arrangement) },
        { ...common, name: "API bound", load: { ...load, ordersPerRequest: API_BOUND_ORDERS } },
      ];
    }),
};

export const http: Experiment = {
  id: "E19",
  title: "HTTP",
  question: "What does a request cost before anything is stored, next to bare Fastify and bare node:http?",
  points: () => ["node-http", "fastify", "null"].map((arrangement) => single(arrangement)),
};

/** One write per request, as many at a time as a pool of usual size would send. */
const EACH: Variables = { V2_GROUP_MAX_ORDERS: "1", V2_MAX_WRITES_IN_FLIGHT: "64" };
const EVERYSEC: Rest = {
  settings: { V2_APPENDFSYNC: "everysec" },
  servers: { stream: { appendfsync: "everysec" } },
};

export const variants: Experiment = {
  id: "E20",
  title: "Variants",
  question: "What do group writes, fsync and a second API process change in what a mode accepts?",
  points: () => [
    single("null"),
    single("v1-each"),
    single("v2", "one XADD per order", { settings: EACH }),
    single("v2", "appendfsync everysec", EVERYSEC),
    ...MODE_NAMES.flatMap((mode) => [
      single(mode, "one API, two generators", { generators: 2 }),
      single(mode, "two APIs, two generators", { apis: 2, generators: 2 }),
    ]),
  ],
};
