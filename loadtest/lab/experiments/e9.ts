import type { Experiment, Point } from "./experiment.ts";

/** Larger than those that were searched: the workers are to be the limit, and not the generator. */
const ORDERS_PER_REQUEST = 25;
/** One worker between what it carries and what it does not; two at what would show that they add up, or do not at all. */
const SHARES: readonly (readonly [workers: number, share: number])[] = [
  [1, 0.8],
  [1, 1.3],
  [2, 1.1],
  [2, 2],
];
const MORE: typeof SHARES = [
  [2, 1.5],
  [4, 1.1],
  [4, 2],
  [4, 3],
];

const workersAt = (arrangement: string, [workers, share]: (typeof SHARES)[number]): Point => ({
  arrangement,
  name: `${workers} ${workers === 1 ? "worker" : "workers"}`,
  varied: { workers },
  load: { rate: { ofCapacity: share }, ordersPerRequest: ORDERS_PER_REQUEST },
  workers,
});

const manyStores = (arrangement: string): Point => ({
  arrangement,
  name: "10 000 stores",
  varied: { stores: 10_000 },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: ORDERS_PER_REQUEST },
  stores: 10_000,
});

const ONE_PARTITION: Point = {
  arrangement: "v3",
  name: "1 partition",
  varied: { partitions: 1 },
  load: { rate: { ofCapacity: 0.8 }, ordersPerRequest: ORDERS_PER_REQUEST },
  settings: { V3_PARTITIONS: "1" },
};

export const e9: Experiment = {
  id: "E9",
  question: "What adds up when there is more than one of it, and what do many stores cost?",
  after: ["E2"],
  points: (scale) => [
    ...["v2", "v3"].flatMap((mode) => [
      ...(scale === "full" ? [...SHARES, ...MORE] : SHARES).map((each) => workersAt(mode, each)),
      manyStores(mode),
    ]),
    ONE_PARTITION,
  ],
  turnedDown: (scale) => (scale === "full" ? [] : ["E9: two workers instead of four"]),
};
