/** More of one thing: WebSocket clients, workers, partitions, stores. */
import type { Scale } from "../run/results.ts";
import type { Experiment, Point } from "./experiment.ts";

const CLIENTS: Readonly<Record<Scale, readonly number[]>> = {
  smoke: [200],
  standard: [100, 1_000, 3_000],
  full: [100, 300, 1_000, 3_000, 10_000],
};
const SLOW_SHARES = [0, 0.05] as const;

const withClients = (clients: number, slowShare: number, hertz: number): Point => ({
  arrangement: "v2",
  name: `${clients} clients, ${slowShare * 100} % slow, ${hertz} Hz`,
  varied: { clients, slowShare, hertz },
  // every order changes the board, so the board is sent at its highest rate
  load: { rate: 50 },
  settings: { PUBLISH_EVERY_MS: String(1_000 / hertz) },
  sockets: { clients, slowShare },
});

export const e7: Experiment = {
  id: "E7",
  question: "How many open dashboards does one API process serve, and do slow ones harm the others?",
  points: (scale) => [
    ...CLIENTS[scale].flatMap((clients) => SLOW_SHARES.map((share) => withClients(clients, share, 10))),
    ...(scale === "full" ? CLIENTS.full.slice(-1).map((clients) => withClients(clients, 0, 1)) : []),
  ],
  turnedDown: (scale) => {
    const most = CLIENTS[scale].at(-1);
    const short = "slow clients stop reading for too short a time to fill the kernel's buffers";
    return scale === "full" ? [] : [`E7: up to ${most} clients instead of 10 000, only at 10 Hz; ${short}`];
  },
};

/** Larger requests than those that are searched, so that the workers are the limit and not the generator. */
const ORDERS_PER_REQUEST = 25;
/** One worker below and above its capacity; two at a rate that shows whether they add up. */
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
  question: "Does capacity add up with more workers, and what do many stores cost?",
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
