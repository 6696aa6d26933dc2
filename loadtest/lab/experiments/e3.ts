import type { Experiment, Point } from "./experiment.ts";

/** A tenth of it is then a little more than it carries. */
const BASE = { ofCapacity: 0.12 };
/** So that the generator is not what ten times as much overwhelms. */
const ORDERS_PER_REQUEST = 25;
/** Of the profile: calm, peak, and twice as long calm again. */
const SECONDS = { smoke: 20, standard: 40, full: 160 } as const;

export const e3: Experiment = {
  id: "E3",
  question: "What does a peak leave behind, and for how long?",
  after: ["E2"],
  points: (scale) =>
    ["v1", "v2", "v3"].flatMap((arrangement) =>
      (scale === "full" ? [2, 5, 10] : [2, 10]).map(
        (peak): Point => ({
          arrangement,
          name: `peak ${peak}`,
          varied: { peak },
          load: {
            profile: `peak-${peak}`,
            rate: BASE,
            ordersPerRequest: ORDERS_PER_REQUEST,
            seconds: SECONDS[scale],
          },
        }),
      ),
    ),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [`E3: peaks of ${SECONDS[scale] / 4} s instead of ${SECONDS.full / 4} s, none of 5 times`],
};
