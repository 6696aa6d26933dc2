/** What the settings of PostgreSQL, Redis and the modes are worth: pools, batches, fsync, waits. */
import type { Experiment, Point, Variables } from "./experiment.ts";

type Change = Pick<Point, "name" | "varied" | "settings" | "prepare">;

const POSTGRES_CHANGES: readonly Change[] = [
  { name: "as it is", varied: { changed: "nothing" } },
  {
    name: "synchronous_commit off",
    varied: { synchronousCommit: "off" },
    settings: { V1_SYNCHRONOUS_COMMIT: "off" },
  },
  { name: "1 connection", varied: { connections: 1 }, settings: { V1_MAX_WRITES_IN_FLIGHT: "1" } },
  { name: "8 connections", varied: { connections: 8 }, settings: { V1_MAX_WRITES_IN_FLIGHT: "8" } },
  { name: "batch of 50", varied: { batch: 50 }, settings: { V1_GROUP_MAX_ORDERS: "50" } },
  {
    name: "one more index",
    varied: { indexes: "one more" },
    prepare: "CREATE INDEX lab_store_time ON orders (store, event_time)",
  },
];
/** Compared at one rate too, besides how far each of them goes. */
const AT_A_RATE: ReadonlySet<string> = new Set(["as it is", "synchronous_commit off", "one more index"]);

const ordersPerRequest = 10;
const v1Peak = (change: Change): Point => ({
  ...change,
  arrangement: "v1",
  measure: "closed-loop",
  load: { ordersPerRequest },
});
const v1AtRate = (change: Change): Point => ({
  ...change,
  arrangement: "v1",
  load: { rate: { ofCapacity: 0.8 }, ordersPerRequest },
});

export const e5: Experiment = {
  id: "E5",
  question: "Where does PostgreSQL saturate, and which of v1's settings move that point?",
  after: ["E2"],
  points: (scale) => [
    ...POSTGRES_CHANGES.map(v1Peak),
    ...POSTGRES_CHANGES.filter(({ name }) => scale === "full" || AT_A_RATE.has(name)).map(v1AtRate),
  ],
  turnedDown: (scale) =>
    scale === "full" ? [] : ["E5: connections and batch only at the closed loop's peak"],
};

const appendfsync = (value: string): Point => ({
  arrangement: "v2",
  name: `appendfsync ${value}`,
  varied: { appendfsync: value },
  load: { rate: { ofCapacity: 0.8 }, ordersPerRequest },
  // set even where it is the default, so that all three have a name in every table
  servers: { stream: { appendfsync: value } },
  settings: { V2_APPENDFSYNC: value },
});

/** A few seconds' orders fill it while no worker takes any out. */
const FULL_REDIS: Point = {
  arrangement: "v2",
  name: "maxmemory 4mb, no worker for a while",
  varied: { maxmemory: "4mb", workers: "stopped for a while" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
  servers: { stream: { maxmemory: "4mb" } },
  actions: [
    { do: "stop-workers", at: 0.1 },
    { do: "start-workers", at: 0.7 },
  ],
};
const PAUSED_WORKER: Point = {
  arrangement: "v2",
  name: "worker paused",
  varied: { workers: "paused for a while" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
  actions: [{ do: "pause-worker", at: 0.3, lasts: 0.2 }],
};

export const e6: Experiment = {
  id: "E6",
  question: "What does v2 do when its Redis is slow to sync, full, or not consumed?",
  after: ["E2"],
  points: () => [...["always", "everysec", "no"].map(appendfsync), FULL_REDIS, PAUSED_WORKER],
};

/** A mode with one setting changed, at a rate that every one of these settings carries. */
const changed = (arrangement: string, name: string, varied: Point["varied"], settings: Variables): Point => ({
  arrangement,
  name,
  varied,
  load: { rate: 200 },
  settings,
});

/** v1 counts the stored orders this often. */
const tick = (waitMs: number): Point =>
  changed("v1", `counted every ${waitMs} ms`, { waitMs }, { V1_TICK_MS: String(waitMs) });
/** v3 lets an order wait this long for others to share its request to Kafka. */
const linger = (waitMs: number): Point =>
  changed("v3", `linger ${waitMs} ms`, { waitMs }, { V3_LINGER_MS: String(waitMs) });
/** v2's worker lets orders gather this long between two statements. */
const gather = (waitMs: number): Point =>
  changed("v2", `gathered for ${waitMs} ms`, { waitMs }, { V2_GATHER_MS: String(waitMs) });
/** One order in each entry of v2's stream. */
const ONE_BY_ONE = changed("v2", "one order an entry", { batch: 1 }, { V2_GROUP_MAX_ORDERS: "1" });
const NOT_GATHERED = changed("v3", "not gathered", { gatherMs: 0 }, { V3_GATHER_MS: "0" });
const ACKS_1 = changed("v3", "acks 1", { acks: 1 }, { V3_ACKS: "1" });

export const e10: Experiment = {
  id: "E10",
  question: "What does it save when orders wait for each other, and what does it cost in freshness?",
  points: (scale) => [
    ...(scale === "full" ? [100, 500, 2_000] : [100, 2_000]).map(tick),
    ...(scale === "full" ? [0, 2, 20, 50, 100] : [0, 50]).map(linger),
    ...(scale === "full" ? [0, 20, 50, 200] : [0, 200]).map(gather),
    ...(scale === "full" ? [ONE_BY_ONE] : []),
    ...[NOT_GATHERED, ACKS_1],
  ],
  turnedDown: (scale) =>
    scale === "full" ? [] : ["E10: only the shortest and longest of each wait and batch"],
};
