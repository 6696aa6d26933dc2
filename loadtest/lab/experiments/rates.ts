/** How many orders per second the generator sends and each mode carries, and what they cost at rest and at shares of that capacity. */
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Scale } from "../run/results.ts";
import type { Experiment, Point, Search } from "./experiment.ts";

/** A rate that k6 sends on one core of a small machine. */
const PAIR_RATE = 500;

/** One rate by both generators: they have to measure the same. */
const pair = (["node", "k6"] as const).map(
  (generator): Point => ({
    arrangement: "null",
    name: `by ${generator}`,
    generator,
    varied: { purpose: "pair", generator },
    load: { rate: PAIR_RATE, warmUpSeconds: 5, seconds: 10 },
  }),
);

export const e0: Experiment = {
  id: "E0",
  question: "How much can the generator send, and the API answer, with nothing behind it?",
  searches: () => [1, 10].map((ordersPerRequest) => ({ arrangement: "null", ordersPerRequest })),
  points: () => pair,
  turnedDown: (scale) =>
    scale === "standard" ? ["E0: the generator's ceiling by one confirmation instead of five"] : [],
};

const SIZES = [1, 10] as const;
const ofEachModeAndSize = <T>(make: (mode: string, size: number) => T): T[] =>
  MODE_NAMES.flatMap((mode) => SIZES.map((size) => make(mode, size)));

const BASELINE = { rate: 50 };

/** Each mode at the durability it promises. */
const promised = MODE_NAMES.map(
  (arrangement): Point => ({ arrangement, name: "", varied: {}, load: BASELINE }),
);
/** Weaker durabilities, to show what the promise costs. */
const WEAKER: readonly Point[] = [
  {
    arrangement: "v1",
    name: "synchronous_commit off",
    varied: { synchronousCommit: "off" },
    load: BASELINE,
    settings: { V1_SYNCHRONOUS_COMMIT: "off" },
  },
  {
    arrangement: "v2",
    name: "appendfsync everysec",
    varied: { appendfsync: "everysec" },
    load: BASELINE,
    servers: { stream: { appendfsync: "everysec" } },
    settings: { V2_APPENDFSYNC: "everysec" },
  },
  { arrangement: "v3", name: "acks 1", varied: { acks: 1 }, load: BASELINE, settings: { V3_ACKS: "1" } },
];

export const e1: Experiment = {
  id: "E1",
  question: "What are reply time, freshness and memory when no resource is scarce?",
  points: (scale) => (scale === "smoke" ? promised : [...promised, ...WEAKER]),
  turnedDown: (scale) => (scale === "smoke" ? ["E1: only the promised durabilities"] : []),
};

const search = (arrangement: string, ordersPerRequest: number): Search => ({ arrangement, ordersPerRequest });
const atHalf = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "half",
  varied: { purpose: "half" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
});

export const e2: Experiment = {
  id: "E2",
  question: "How many orders per second does each mode carry, and which resource saturates first?",
  after: ["E0"],
  searches: (scale) => [
    ...ofEachModeAndSize(search),
    ...(scale === "full" ? SIZES : [1]).map((size) => search("v1-each", size)),
  ],
  points: () => ofEachModeAndSize(atHalf),
  turnedDown: (scale) => (scale === "full" ? [] : ["E2: one INSERT per request only with single orders"]),
};

/** How far each size goes; sizes 1 and 10 are searched by E2. */
const bulkPeak = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "bulk",
  varied: {},
  measure: "closed-loop",
  load: { ordersPerRequest },
});
/** The same orders per second in fewer requests. */
const bulkAtHalf = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "bulk",
  varied: {},
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
});

export const e11: Experiment = {
  id: "E11",
  question: "What do clients gain from sending many orders in one request?",
  after: ["E2"],
  points: (scale) =>
    MODE_NAMES.flatMap((mode) => [
      ...[100, 1_000].map((size) => bulkPeak(mode, size)),
      ...(scale === "full" ? [100, 1_000] : [100]).map((size) => bulkAtHalf(mode, size)),
    ]),
  turnedDown: (scale) =>
    scale === "full" ? [] : ["E11: requests of 1 000 orders only at the closed loop's peak"],
};

const SHARES: Readonly<Record<Scale, readonly number[]>> = {
  smoke: [0.1],
  standard: [0.1, 0.3, 0.75],
  full: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
};
/** With single orders on a small machine the generator's ceiling is near, and E2 has measured there. */
const sharesAt = (scale: Scale, ordersPerRequest: number): readonly number[] =>
  scale === "standard" && ordersPerRequest === 1 ? SHARES.standard.slice(0, 2) : SHARES[scale];

export const e12: Experiment = {
  id: "E12",
  question: "What do 1 000 orders cost at a tenth, at half and at all of a mode's capacity?",
  after: ["E2"],
  points: (scale) =>
    ofEachModeAndSize((arrangement, ordersPerRequest) =>
      sharesAt(scale, ordersPerRequest).map(
        (share): Point => ({
          arrangement,
          name: `${share * 100} % of capacity`,
          varied: { share },
          load: { rate: { ofCapacity: share }, ordersPerRequest },
          ...(scale === "full" && { repetitions: 3 }),
        }),
      ),
    ).flat(),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [`E12: shares of ${SHARES[scale].join(", ")} in addition to those that E2 measured`],
};

/** It has no runs of its own: its chart is made from the runs of others. */
export const e13: Experiment = {
  id: "E13",
  question: "Which mode is cheapest while it meets the objective, at each rate?",
  after: ["E2", "E12"],
};
