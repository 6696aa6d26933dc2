import type { Experiment, Point } from "./experiment.ts";

const SIZES = [1, 10] as const;
const GENERATORS = ["k6", "lean"] as const;

/** At one rate by both: they have to see the same. */
const pair = GENERATORS.map(
  (generator): Point => ({
    arrangement: "null",
    name: `by ${generator}`,
    generator,
    varied: { purpose: "pair", generator },
    load: { rate: { ofCapacity: 0.5 }, warmUpSeconds: 5, seconds: 10 },
  }),
);

export const e0: Experiment = {
  id: "E0",
  question: "How much can each generator send, and the API answer, when there is nothing behind it?",
  searches: () =>
    SIZES.flatMap((ordersPerRequest) =>
      GENERATORS.map((generator) => ({ arrangement: "null", ordersPerRequest, generator })),
    ),
  points: () => pair,
  turnedDown: (scale) =>
    scale === "standard" ? ["E0: each generator's ceiling by one confirmation instead of five"] : [],
};
