import type { Experiment } from "./experiment.ts";

const SECONDS = { smoke: 30, standard: 240, full: 7_200 } as const;
/** PostgreSQL looks whether a table needs one this often; a minute is its default. */
const AUTOVACUUM = { smoke: "5s", standard: "10s", full: "60s" } as const;

export const e4: Experiment = {
  id: "E4",
  question: "Does anything leak, bloat or drift?",
  after: ["E2"],
  points: (scale) =>
    ["v1", "v2", "v3"].map((arrangement) => ({
      arrangement,
      name: "soak",
      varied: {},
      load: { rate: { ofCapacity: 0.4 }, ordersPerRequest: 10, seconds: SECONDS[scale] },
      servers: { postgres: { autovacuum_naptime: AUTOVACUUM[scale] } },
    })),
  turnedDown: (scale) =>
    scale === "full"
      ? []
      : [
          `E4: ${SECONDS[scale]} s instead of two hours, with a look for autovacuum every ${AUTOVACUUM[scale]} instead of every minute`,
        ],
};
