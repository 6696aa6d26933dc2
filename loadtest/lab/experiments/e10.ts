import type { Experiment, Point } from "./experiment.ts";

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
/** v2's worker lets orders gather so long between two statements. */
const gather = (waitMs: number): Point => ({
  arrangement: "v2",
  name: `gathered for ${waitMs} ms`,
  varied: { waitMs },
  load,
  settings: { V2_GATHER_MS: String(waitMs) },
});
/** Orders that share one entry of the stream: v2 never waits for them. */
const ONE_BY_ONE: Point = {
  arrangement: "v2",
  name: "one order an entry",
  varied: { batch: 1 },
  load,
  settings: { V2_GROUP_MAX_ORDERS: "1" },
};
/** v3's worker at once, as orders come. */
const UNGATHERED: Point = {
  arrangement: "v3",
  name: "not gathered",
  varied: { gatherMs: 0 },
  load,
  settings: { V3_GATHER_MS: "0" },
};
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
    ...(scale === "full" ? [0, 20, 50, 200] : [0, 200]).map(gather),
    ...(scale === "full" ? [ONE_BY_ONE] : []),
    ...[UNGATHERED, ACKS],
  ],
  turnedDown: (scale) => (scale === "full" ? [] : ["E10: the least and the greatest of each wait and batch"]),
};
