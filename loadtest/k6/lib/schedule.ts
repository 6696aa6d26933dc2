/**
 * When each arrival of a scenario is due. Latency counts from this time, however late the generator or the system was. The Node generator sends at these times. k6 does not report its own to scripts, so its
 * rules are repeated here.
 *
 * After lib/executor/constant_arrival_rate.go and ramping_arrival_rate.go of k6 v2.2.0, for a run on one machine. Both
 * count only iterations that ran: once one was dropped, later ones seem later than they were, and the run is void.
 */

/** Whole numbers of arrivals per `unitMs`, as k6 requires. */
export type Schedule = {
  readonly unitMs: number;
  readonly from: number;
  readonly stages: readonly { readonly to: number; readonly durationMs: number }[];
};

const SECOND_MS = 1_000;
/** Where a rate is not a whole number per second: a hundredth of an order per second is exact enough. */
const LONG_UNIT_MS = 100_000;
const NS_PER_MS = 1e6;

export const scheduleOf = (
  fromPerSecond: number,
  stages: readonly { readonly toPerSecond: number; readonly durationMs: number }[],
): Schedule => {
  const rates = [fromPerSecond, ...stages.map(({ toPerSecond }) => toPerSecond)];
  const unitMs = rates.every(Number.isInteger) ? SECOND_MS : LONG_UNIT_MS;
  const perUnit = (perSecond: number): number => Math.round((perSecond * unitMs) / SECOND_MS);
  return {
    unitMs,
    from: perUnit(fromPerSecond),
    stages: stages.map(({ toPerSecond, durationMs }) => ({ to: perUnit(toPerSecond), durationMs })),
  };
};

/** One rate from start to end: k6 has an executor of its own for it, with its own rounding. */
export const isConstant = ({ from, stages }: Schedule): boolean =>
  stages.length === 1 && stages[0]?.to === from;

export const durationMsOf = ({ stages }: Schedule): number =>
  stages.reduce((sum, { durationMs }) => sum + durationMs, 0);

export const peakPerSecond = ({ unitMs, from, stages }: Schedule): number =>
  (Math.max(from, ...stages.map(({ to }) => to)) * SECOND_MS) / unitMs;

/** Milliseconds from the scenario's start to an arrival, by its number from 0. */
export const plannedOffsets = (schedule: Schedule): ((iteration: number) => number) =>
  isConstant(schedule) ? constantOffsets(schedule) : rampingOffsets(schedule);

/** The first one at once; the time between two is cut to whole nanoseconds. */
const constantOffsets = ({ unitMs, from }: Schedule): ((iteration: number) => number) => {
  const periodNs = Math.floor((unitMs * NS_PER_MS) / from);
  return (iteration) => (iteration * periodNs) / NS_PER_MS;
};

type Ramp = {
  readonly startMs: number;
  readonly durationMs: number;
  /** Arrivals per millisecond. */
  readonly from: number;
  readonly to: number;
  /** Arrivals due before it and until its end; not whole. */
  readonly before: number;
  readonly until: number;
};

/** The first one when the area under the rate has reached 1. Beyond the end: never. */
const rampingOffsets = (schedule: Schedule): ((iteration: number) => number) => {
  const ramps = rampsOf(schedule);
  return (iteration) => {
    const number = iteration + 1;
    // by index: k6's engine interprets, and this runs for every request
    for (let index = 0; index < ramps.length; index++) {
      const ramp = ramps[index];
      if (ramp !== undefined && number <= ramp.until)
        return ramp.startMs + within(ramp, number - ramp.before);
    }
    return Number.POSITIVE_INFINITY;
  };
};

const rampsOf = ({ unitMs, from, stages }: Schedule): Ramp[] => {
  const ramps: Ramp[] = [];
  let [rate, startMs, before] = [from / unitMs, 0, 0];
  for (const { to, durationMs } of stages) {
    const next = to / unitMs;
    const until = before + durationMs * (rate === next ? next : (next - rate) / 2 + rate);
    ramps.push({ startMs, durationMs, from: rate, to: next, before, until });
    [rate, startMs, before] = [next, startMs + durationMs, until];
  }
  return ramps;
};

/** When the area under a ramp is this large. */
const within = (ramp: Ramp, area: number): number => {
  const { durationMs, from, to } = ramp;
  if (from === to) return area / to;
  const root = durationMs * (from * from * durationMs + 2 * area * (to - from));
  return (from * durationMs - Math.sqrt(Math.max(0, root))) / (from - to);
};
