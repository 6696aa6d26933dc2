/** The figures of `npm run overload`. */
import { tableOf } from "../../../dev/markdown.ts";
import type { Run, Suite } from "../run/results.ts";

const MOST_ACKNOWLEDGED_MS = 500;
const MOST_RECOVERY_SECONDS = 5;
const MOST_GROWTH_BYTES = 300 * 1_024 * 1_024;

/** Every reply an acknowledgement or a 503, acknowledgements in time, bounded memory, and a recovery. */
export const survived = (run: Run): boolean =>
  run.voids.length === 0 &&
  run.ledger.unknown === 0 &&
  run.ledger.acknowledged > 0 &&
  run.ackMs.p99 < MOST_ACKNOWLEDGED_MS &&
  growthBytes(run) < MOST_GROWTH_BYTES &&
  // "never" is not a number
  Number(run.varied["recoverySeconds"]) < MOST_RECOVERY_SECONDS;

const growthBytes = ({ varied }: Run): number =>
  Number(varied["memoryPeakBytes"]) - Number(varied["memoryBeforeBytes"]);

const whole = (value: unknown): string => Math.round(Number(value)).toLocaleString("en-US");

export const overloadTable = (suite: Suite): string =>
  tableOf(
    [
      ...[
        "mode",
        "capacity/s",
        "offered/s",
        "accepted/s",
        "503/s",
        "other or none",
        "accepted p50 ms",
        "p99 ms",
        "503 p99 ms",
      ],
      ...["sent late p99 ms", "memory grows by MB", "recovered in s", ""],
    ],
    overloads(suite).map((run) => {
      const { varied, ackMs, scheduleLagMs, ledger, load } = run;
      return [
        run.point.replace(/ \d+-order overload$/, ""),
        ...[varied["capacity"], varied["offered"], load.requestsPerSecond, varied["refused"]].map(whole),
        whole(ledger.unknown / load.ordersPerRequest),
        ...[ackMs.p50, ackMs.p99, varied["refusedP99Ms"], scheduleLagMs.p99].map(whole),
        whole(growthBytes(run) / 2 ** 20),
        String(varied["recoverySeconds"]),
        run.voids.length > 0 ? `VOID: ${run.voids.join("; ")}` : survived(run) ? "ok" : "NOT OK",
      ];
    }),
  );

/** The last attempt of each point and repetition. */
export const overloads = ({ runs }: Suite): Run[] => [
  ...new Map(
    runs
      .map(({ run }) => run)
      .filter(({ varied }) => varied["purpose"] === "overload")
      .map((run) => [`${run.point} ${run.repetition}`, run]),
  ).values(),
];
