import type { Experiment, Point } from "./experiment.ts";

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
