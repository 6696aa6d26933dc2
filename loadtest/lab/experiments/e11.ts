import type { Experiment, Point } from "./experiment.ts";

const MODES = ["v1", "v2", "v3"] as const;

/** How far each size goes; those of 1 and 10 are E2's. */
const peak = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "bulk",
  varied: {},
  isPeak: true,
  load: { rate: 1, ordersPerRequest },
});
/** The same orders a second in fewer requests. */
const half = (arrangement: string, ordersPerRequest: number): Point => ({
  arrangement,
  name: "bulk",
  varied: {},
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest },
});

export const e11: Experiment = {
  id: "E11",
  question: "What do clients gain that send many orders in one request?",
  after: ["E2"],
  points: (scale) =>
    MODES.flatMap((mode) => [
      ...[100, 1_000].map((size) => peak(mode, size)),
      ...(scale === "full" ? [100, 1_000] : [100]).map((size) => half(mode, size)),
    ]),
  turnedDown: (scale) => (scale === "full" ? [] : ["E11: requests of 1 000 by the closed loop's peak alone"]),
};
