import type { Experiment, Point } from "../experiment.ts";

const load = { rate: 200 };

/** v1 counts what is stored this often. */
const tick = (waitMs: number): Point => ({
  arrangement: "v1",
  name: `counted every ${waitMs} ms`,
  varied: { waitMs },
  load,
  settings: { V1_TICK_MS: String(waitMs) },
});
/** v3 lets an order wait so long for company. */
const linger = (waitMs: number): Point => ({
  arrangement: "v3",
  name: `linger ${waitMs} ms`,
  varied: { waitMs },
  load,
  settings: { V3_LINGER_MS: String(waitMs) },
});
/** Orders that share one entry of the stream: v2 never waits for them. */
const group = (orders: number): Point => ({
  arrangement: "v2",
  name: `up to ${orders} an entry`,
  varied: { batch: orders },
  load,
  settings: { V2_GROUP_MAX_ORDERS: String(orders) },
});
const ACKS: Point = {
  arrangement: "v3",
  name: "acks 1",
  varied: { acks: 1 },
  load,
  settings: { V3_ACKS: "1" },
};

export const e10: Experiment = {
  id: "E10",
  question: "What does it bring to let orders wait for each other, and what does it cost in freshness?",
  points: (scale) => [
    ...(scale === "full" ? [100, 500, 2_000] : [100, 2_000]).map(tick),
    ...(scale === "full" ? [0, 2, 20, 50, 100] : [0, 50]).map(linger),
    ...(scale === "full" ? [1, 50, 500] : [1, 500]).map(group),
    ACKS,
  ],
  turnedDown: (scale) => (scale === "full" ? [] : ["E10: the least and the greatest of each wait and batch"]),
};
