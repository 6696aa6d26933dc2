import type { Scale } from "../run/results.ts";
import type { Experiment, Point } from "./experiment.ts";

const SHARES: Readonly<Record<Scale, readonly number[]>> = {
  smoke: [0.1],
  standard: [0.1, 0.3, 0.75],
  full: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
};

/** Of single orders the generator's ceiling is near on small machines, and E2 has been there. */
const sharesAt = (scale: Scale, ordersPerRequest: number): readonly number[] =>
  scale === "standard" && ordersPerRequest === 1 ? SHARES.standard.slice(0, 2) : SHARES[scale];

export const e12: Experiment = {
  id: "E12",
  question: "What do a thousand orders cost at a tenth, at half and at all of what a mode carries?",
  after: ["E2"],
  points: (scale) =>
    ["v1", "v2", "v3"].flatMap((arrangement) =>
      [1, 10].flatMap((ordersPerRequest) =>
        sharesAt(scale, ordersPerRequest).map(
          (share): Point => ({
            arrangement,
            name: `${share * 100} % of capacity`,
            varied: { share },
            load: { rate: { ofCapacity: share }, ordersPerRequest },
            ...(scale === "full" && { repetitions: 3 }),
          }),
        ),
      ),
    ),
  turnedDown: (scale) =>
    scale === "full" ? [] : [`E12: shares of ${SHARES[scale].join(", ")}, beside those that E2 measured`],
};
