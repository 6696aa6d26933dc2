/** Peaks, hours of steady load, and failures. */
import { MODE_NAMES } from "../run/arrangements.ts";
import type { Scale } from "../run/results.ts";
import type { ActionName, Experiment, Point } from "./experiment.ts";

/** So that a peak of ten times is a little more than the mode carries. */
const SPIKE_BASE = { ofCapacity: 0.12 };
/** Large requests, so that a peak of ten times does not overload the generator. */
const SPIKE_ORDERS_PER_REQUEST = 25;
/** Of the whole profile: calm, peak, and twice as long calm. */
const SPIKE_SECONDS = { smoke: 20, standard: 40, full: 160 } as const;

export const e3: Experiment = {
  id: "E3",
  question: "What backlog does a peak leave, and how long until it is gone?",
  after: ["E2"],
  points: (scale) =>
    MODE_NAMES.flatMap((arrangement) =>
      (scale === "full" ? [2, 5, 10] : [2, 10]).map(
        (peak): Point => ({
          arrangement,
          name: `peak ${peak}`,
          varied: { peak },
          load: {
            profile: `peak-${peak}`,
            rate: SPIKE_BASE,
            ordersPerRequest: SPIKE_ORDERS_PER_REQUEST,
            seconds: SPIKE_SECONDS[scale],
          },
        }),
      ),
    ),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [
          `E3: peaks of ${SPIKE_SECONDS[scale] / 4} s instead of ${SPIKE_SECONDS.full / 4} s, none of 5 times`,
        ],
};

const SOAK_SECONDS = { smoke: 30, standard: 240, full: 7_200 } as const;
/** How often PostgreSQL checks whether a table needs a vacuum; its default is a minute. */
const AUTOVACUUM = { smoke: "5s", standard: "10s", full: "60s" } as const;

export const e4: Experiment = {
  id: "E4",
  question: "Does anything leak, bloat or drift?",
  after: ["E2"],
  points: (scale) =>
    MODE_NAMES.map((arrangement) => ({
      arrangement,
      name: "soak",
      varied: {},
      load: { rate: { ofCapacity: 0.4 }, ordersPerRequest: 10, seconds: SOAK_SECONDS[scale] },
      servers: { postgres: { autovacuum_naptime: AUTOVACUUM[scale] } },
    })),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [
          `E4: ${SOAK_SECONDS[scale]} s instead of two hours, autovacuum checks every ${AUTOVACUUM[scale]} instead of every minute`,
        ],
};

/** A dead member of a Kafka group is replaced after ten seconds. */
const FAULT_SECONDS: Readonly<Record<Scale, number>> = { smoke: 30, standard: 30, full: 120 };
/** A Kafka broker takes seconds to start, and its consumers reconnect some time after that. */
const BROKER_SECONDS: Readonly<Record<Scale, number>> = { smoke: 50, standard: 50, full: 120 };
const FAULTS: Readonly<Record<Scale, readonly ActionName[]>> = {
  smoke: ["kill-worker", "restart-backend"],
  standard: ["kill-worker", "kill-api", "restart-backend"],
  full: ["kill-worker", "kill-api", "restart-backend"],
};

export const e8: Experiment = {
  id: "E8",
  question: "What is lost, counted twice or late when a process dies under load?",
  points: (scale) =>
    MODE_NAMES.flatMap((arrangement) =>
      FAULTS[scale].map((fault): Point => {
        const isBroker = arrangement === "v3" && fault === "restart-backend";
        return {
          arrangement,
          name: fault,
          varied: { fault },
          load: { rate: 100, seconds: (isBroker ? BROKER_SECONDS : FAULT_SECONDS)[scale] },
          actions: [{ do: fault, at: 0.2 }],
          ...(scale === "full" && { repetitions: 3 }),
        };
      }),
    ),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [`E8: each fault once instead of three times${scale === "smoke" ? ", without the API's death" : ""}`],
};
