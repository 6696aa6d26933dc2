/** What a generator told of a run, line by line and in its summary, made into requests, freshness and a claim to be audited. */
import { contentsOf } from "../../lib/expected.ts";
import { partsOf } from "../../lib/ids.ts";
import { freshnessIn, type RequestSample, requestIn } from "../../lib/sample-lines.ts";
import { plannedOffsets, scheduleOf } from "../../lib/schedule.ts";
import type { ScenarioSummary, Summary } from "../../lib/summary.ts";
import { SCENARIO_NUMBERS } from "../../profiles/profile.ts";
import type { Claim, Content, NotAcknowledged, Place } from "../judge/audit.ts";
import type { LabCatalogue } from "./catalogue.ts";

/** A measured request; times by the clock of the machine, in milliseconds. */
export type Request = {
  readonly plannedAtMs: number;
  /** From the planned time. */
  readonly lagMs: number;
  readonly latencyMs: number;
  readonly outcome: "acknowledged" | "refused" | "unknown";
};
export type Visible = { readonly atMs: number; readonly freshnessMs: number };

export type Told = {
  /** When the measured time began. */
  readonly startMs: number;
  /** By planned time. */
  readonly requests: readonly Request[];
  readonly visible: readonly Visible[];
  readonly notAcknowledged: readonly NotAcknowledged[];
  /** By the generator, in the measured time; those of a cold warm-up are no fault of what is measured. */
  readonly dropped: number;
};

/** The ledger's own name for a probe's order that was never sent: nobody was refused. */
export const NOT_SENT = "not-sent";

export const toldIn = (lines: readonly string[], summary: Summary): Told => {
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
  // where no line tells it, it began when the generator was ready for it
  const begun = ({ number, startMs }: ScenarioSummary): number =>
    starts.get(number) ?? summary.startedAtMs + startMs;
  const first = measured.find(({ number }) => starts.has(number)) ?? measured[0];
  const startMs = first ? begun(first) + first.warmUpMs : summary.startedAtMs;
  const warmUpDrops = dropsBeforeMeasuring(summary, measured, samples);
  const requests = samples.map(({ scenario, iteration, lagMs, latencyMs, outcome }): Request => {
    const own = scenarios.get(scenario);
    // k6 does not tell when a slope really began (README.md): all of its requests seem late by as much
    const late = (own?.lateStartMs ?? 0) + warmUpDrops.shiftMs;
    const offsetMs = offsets.get(scenario)?.(iteration) ?? 0;
    const plannedAtMs = (own ? begun(own) : startMs) + offsetMs + late;
    return {
      plannedAtMs,
      lagMs: Math.max(0, lagMs - late),
      latencyMs: Math.max(0, latencyMs - late),
      outcome,
    };
  });
  return {
    startMs,
    dropped: warmUpDrops.shiftMs > 0 ? 0 : summary.dropped,
    requests: requests.sort((a, b) => a.plannedAtMs - b.plannedAtMs),
    visible: lines.flatMap((line) => freshnessIn(line) ?? []),
    notAcknowledged: ledgerIn(lines),
  };
};

/** Generators tell times by tenths of a millisecond, and send a little late. */
const CLOSE_MS = 1;

/**
 * k6 numbers the iterations that ran: what it dropped makes every later one seem late by the time that those had taken.
 * When nothing measured was late by less, all of them were dropped in the warm-up, by a system that was still cold.
 */
const dropsBeforeMeasuring = (
  { dropped }: Summary,
  measured: readonly ScenarioSummary[],
  samples: readonly RequestSample[],
): { readonly shiftMs: number } => {
  const [only, other] = measured;
  const isConstant = only?.executor === "constant-arrival-rate" && other === undefined;
  if (dropped === 0 || !isConstant || samples.length === 0) return { shiftMs: 0 };
  const shiftMs = (dropped * 1_000) / only.fromPerSecond;
  const least = samples.reduce((min, { lagMs }) => Math.min(min, lagMs), Number.POSITIVE_INFINITY);
  return { shiftMs: only.warmUpMs > 0 && least >= shiftMs - CLOSE_MS ? shiftMs : 0 };
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
      const isSent = type !== NOT_SENT;
      return { scenario, iteration, outcome, isSent, ...(items !== undefined && { items }) };
    });

/** What has to be found in the database; null for a route that keeps nothing. */
export const claimOf = (
  summary: Summary,
  notAcknowledged: readonly NotAcknowledged[],
  mode: string,
  catalogue: Pick<LabCatalogue, "stores" | "drinks" | "probeStores">,
): Claim => {
  const { run, runStartMs, seed } = summary;
  const scenarios = summary.scenarios.filter(({ ordersPerIteration }) => ordersPerIteration > 0);
  const contents = new Map(
    scenarios.map((scenario) => [
      scenario.number,
      contentsOf({ seed, run, runStartMs, ...catalogue, scenario }),
    ]),
  );
  return {
    run,
    mode,
    sent: scenarios.map(({ number, iterations, ordersPerIteration }) => ({
      scenario: number,
      iterations,
      ordersPerRequest: ordersPerIteration,
    })),
    notAcknowledged,
    placeOf: (id) => partsOf(id),
    contentOf: (place: Place): Content | null => {
      const content = contents.get(place.scenario)?.(place.iteration, place.item);
      return content ? { drink: content.drink, store: content.store, cents: content.priceCents } : null;
    },
  };
};
