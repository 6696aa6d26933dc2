import type { Scale } from "../run/results.ts";
import type { ActionName, Experiment, Point } from "./experiment.ts";

/** A dead member of a Kafka group is replaced after ten seconds, and a broker takes some to start. */
const SECONDS: Readonly<Record<Scale, number>> = { smoke: 30, standard: 30, full: 120 };
/** Its consumers come back some time after it. */
const SECONDS_OF_BROKER: Readonly<Record<Scale, number>> = { smoke: 50, standard: 50, full: 120 };
const FAULTS: Readonly<Record<Scale, readonly ActionName[]>> = {
  smoke: ["kill-worker", "restart-backend"],
  standard: ["kill-worker", "kill-api", "restart-backend"],
  full: ["kill-worker", "kill-api", "restart-backend"],
};

export const e8: Experiment = {
  id: "E8",
  question: "What is lost, counted twice or late when something dies under load?",
  points: (scale) =>
    ["v1", "v2", "v3"].flatMap((arrangement) =>
      FAULTS[scale].map(
        (fault): Point => ({
          arrangement,
          name: fault,
          varied: { fault },
          load: {
            rate: 100,
            seconds: (arrangement === "v3" && fault === "restart-backend" ? SECONDS_OF_BROKER : SECONDS)[
              scale
            ],
          },
          actions: [{ do: fault, at: 0.2 }],
          ...(scale === "full" && { repetitions: 3 }),
        }),
      ),
    ),
  turnedDown: (scale) => {
    if (scale === "full") return [];
    return [
      `E8: each fault once instead of three times${scale === "smoke" ? ", the API's death left out" : ""}`,
    ];
  },
};
