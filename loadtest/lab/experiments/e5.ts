import type { Experiment, Point } from "./experiment.ts";

type Change = Pick<Point, "name" | "varied" | "settings" | "prepare">;

const CHANGES: readonly Change[] = [
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
/** What is compared at one rate, beside how far each goes. */
const AT_A_RATE: ReadonlySet<string> = new Set(["as it is", "synchronous_commit off", "one more index"]);

const ordersPerRequest = 10;
const peak = (change: Change): Point => ({
  ...change,
  arrangement: "v1",
  isPeak: true,
  load: { rate: 1, ordersPerRequest },
});
const point = (change: Change): Point => ({
  ...change,
  arrangement: "v1",
  load: { rate: { ofCapacity: 0.8 }, ordersPerRequest },
});

export const e5: Experiment = {
  id: "E5",
  question: "Where does PostgreSQL give in, and which of v1's settings move that?",
  after: ["E2"],
  points: (scale) => [
    ...CHANGES.map(peak),
    ...CHANGES.filter(({ name }) => scale === "full" || AT_A_RATE.has(name)).map(point),
  ],
  turnedDown: (scale) =>
    scale === "full" ? [] : ["E5: connections and batch by the closed loop's peak alone"],
};
