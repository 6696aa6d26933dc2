/** The lines and the summary of a run, made into requests, freshness and the orders that were not acknowledged. */
import { freshnessIn, NOT_SENT, requestIn } from "../../k6/lib/ledger.ts";
import { plannedOffsets, scheduleOf } from "../../k6/lib/schedule.ts";
import type { ScenarioSummary, Summary } from "../../k6/lib/summary.ts";
import { SCENARIO_NUMBERS } from "../../k6/profiles/profile.ts";
import type { NotAcknowledged } from "./account.ts";

/** A measured request; times by the clock of the machine, in milliseconds. */
export type Request = {
  readonly plannedAtMs: number;
  /** From the planned time. */
  readonly lagMs: number;
  readonly latencyMs: number;
  readonly outcome: "acknowledged" | "refused" | "unknown";
};
export type Visible = { readonly atMs: number; readonly freshnessMs: number };

export type GeneratorOutput = {
  /** When the measured time began. */
  readonly startMs: number;
  /** By planned time. */
  readonly requests: readonly Request[];
  readonly visible: readonly Visible[];
  readonly notAcknowledged: readonly NotAcknowledged[];
  /** By k6, which has no other virtual user for them; the Node generator drops none. */
  readonly dropped: number;
};

export const outputIn = (lines: readonly string[], summary: Summary): GeneratorOutput => {
  const samples = lines.flatMap((line) => requestIn(line) ?? []);
  const scenarios = new Map(summary.scenarios.map((scenario) => [scenario.number, scenario]));
  const starts = new Map(
    samples.flatMap(({ scenario, startedAtMs }) =>
      startedAtMs === null ? [] : [[scenario, startedAtMs] as const],
    ),
  );
  const offsets = new Map(
    [...scenarios].flatMap(([number, scenario]) => {
      const offsetOf = offsetsOf(scenario);
      return offsetOf === null ? [] : [[number, offsetOf] as const];
    }),
  );
  const measured = summary.scenarios.filter(isMeasured);
  // without a line that has it, when the generator was ready for it
  const begun = ({ number, startMs }: ScenarioSummary): number =>
    starts.get(number) ?? summary.startedAtMs + startMs;
  const first = measured.find(({ number }) => starts.has(number)) ?? measured[0];
  const startMs = first ? begun(first) + first.warmUpMs : summary.startedAtMs;
  const requests = samples.map(({ scenario, iteration, lagMs, latencyMs, outcome }): Request => {
    const own = scenarios.get(scenario);
    const offsetMs = offsets.get(scenario)?.(iteration) ?? 0;
    return { plannedAtMs: (own ? begun(own) : startMs) + offsetMs, lagMs, latencyMs, outcome };
  });
  return {
    startMs,
    dropped: summary.dropped,
    requests: requests.sort((a, b) => a.plannedAtMs - b.plannedAtMs),
    visible: lines.flatMap((line) => freshnessIn(line) ?? []),
    notAcknowledged: ledgerIn(lines),
  };
};

const isMeasured = ({ number, ordersPerIteration }: ScenarioSummary): boolean =>
  ordersPerIteration > 0 && number !== SCENARIO_NUMBERS.probe;

/** Null for one without arrivals. */
const offsetsOf = ({
  stages,
  executor,
  fromPerSecond,
}: ScenarioSummary): ((iteration: number) => number) | null =>
  executor === "per-vu-iterations"
    ? null
    : plannedOffsets(
        scheduleOf(
          fromPerSecond,
          stages.map(({ seconds, toPerSecond }) => ({ toPerSecond, durationMs: seconds * 1_000 })),
        ),
      );

const ledgerIn = (lines: readonly string[]): NotAcknowledged[] =>
  lines
    .filter((line) => line.startsWith('{"ledger":'))
    .map((line) => {
      const { scenario, iteration, outcome, items, type } = JSON.parse(line) as NotAcknowledged & {
        type?: string;
      };
      const fate = type === NOT_SENT.type ? "unsent" : outcome;
      return { scenario, iteration, outcome: fate, ...(items !== undefined && { items }) };
    });
