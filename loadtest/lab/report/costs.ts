/** What orders cost in CPU and memory, at each rate and at half of a mode's capacity. */
import { judge, type ObjectiveName } from "../judge/objectives.ts";
import { type Interval, intervalOf, medianOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { GENERATORS, type Run, type Suite } from "../run/results.ts";
import {
  boundsOf,
  isPeak,
  isValid,
  type ModeCapacity,
  modeCapacities,
  ordersPerSecond,
  runsOf,
  variantOf,
} from "./figures.ts";

/** Sum over all processes except the generators. */
export const systemSum = <T>(byProcess: Readonly<Record<string, T>>, of: (value: T) => number): number =>
  Object.entries(byProcess).reduce((sum, [name, value]) => sum + (GENERATORS.has(name) ? 0 : of(value)), 0);

/** Per 1 000 acknowledged orders, probes included; null without orders. */
const perThousand = (run: Run, cpuSeconds: number): number | null => {
  const orders = run.ackMs.count * run.load.ordersPerRequest + (run.probeOrders ?? 0);
  return orders === 0 ? null : (cpuSeconds / orders) * 1_000;
};

/** CPU-seconds of all processes except the generators. */
export const cpuPerThousand = (run: Run): number | null =>
  perThousand(
    run,
    systemSum(run.resources, ({ cpuSeconds }) => cpuSeconds),
  );

/** CPU-seconds of one process; null where the run had none of that name. */
export const cpuPerThousandBy = (run: Run, name: string): number | null => {
  const cpuSeconds = run.resources[name]?.cpuSeconds;
  return cpuSeconds === undefined ? null : perThousand(run, cpuSeconds);
};

/** The highest memory of each process except the generators, in total. */
export const memoryBytes = (run: Run): number => systemSum(run.resources, ({ peakRssBytes }) => peakRssBytes);

/** Valid runs of a mode with default settings, without the closed loop. */
const runsAt = (suite: Suite, mode: string, ordersPerRequest: number): Run[] =>
  runsOf(suite, "E2", "E12").filter(
    (run) =>
      run.mode === mode &&
      run.load.ordersPerRequest === ordersPerRequest &&
      isValid(run) &&
      !isPeak(run) &&
      variantOf(run) === "",
  );

/** Shares of capacity that count as half. */
const HALF = { from: 0.4, to: 0.6 };

/** The valid runs at the rate nearest to half of the capacity at SLO-I; empty when none is near. */
export const atHalfOf = (suite: Suite, { mode, ordersPerRequest, found }: ModeCapacity): Run[] => {
  const shareOf = ({ load }: Run): number => load.requestsPerSecond / found.interactive.rate;
  const near = runsAt(suite, mode, ordersPerRequest).filter(
    (run) => shareOf(run) >= HALF.from && shareOf(run) <= HALF.to,
  );
  const distance = (run: Run): number => Math.abs(shareOf(run) - 0.5);
  const nearest = Math.min(...near.map(distance));
  return near.filter((run) => distance(run) === nearest);
};

const medianOrNull = (values: readonly number[]): number | null =>
  values.length === 0 ? null : medianOf(values);

/** Medians at half of the capacity; null when no run was near. */
export const halfOf = (suite: Suite, capacity: ModeCapacity) => {
  const runs = atHalfOf(suite, capacity);
  if (runs.length === 0) return null;
  return {
    ackP50: medianOf(runs.map(({ ackMs }) => ackMs.p50)),
    ackP99: medianOf(runs.map(({ ackMs }) => ackMs.p99)),
    freshnessP99: medianOrNull(runs.flatMap(({ freshnessMs }) => freshnessMs?.p99 ?? [])),
    cpuPerThousand: medianOrNull(runs.flatMap((run) => cpuPerThousand(run) ?? [])),
    memoryBytes: medianOf(runs.map(memoryBytes)),
  };
};

export type CostPoint = {
  readonly ordersPerSecond: number;
  readonly cost: number;
  readonly interval: Interval;
};

/** CPU-seconds per 1 000 orders by ascending rate. */
const costPoints = (runs: readonly Run[]): CostPoint[] =>
  [...Map.groupBy(runs, ordersPerSecond)]
    .flatMap(([rate, group]) => {
      const costs = group.flatMap((run) => cpuPerThousand(run) ?? []);
      if (costs.length === 0) return [];
      return [{ ordersPerSecond: rate, cost: medianOf(costs), interval: intervalOf(costs) }];
    })
    .sort((a, b) => a.ordersPerSecond - b.ordersPerSecond);

/**
 * Two runs of the same point may differ by this share. A cost with few repetitions gets the widest spread that was seen
 * in repeated runs, and at least this one: the interval of a single run would be a point, and the difference of two
 * points is chance.
 */
export const LEAST_SPREAD = 0.05;

/** What orders cost a mode at each rate at which every run met the objective. */
export const costsOf = (
  suite: Suite,
  mode: string,
  ordersPerRequest: number,
  objective: ObjectiveName,
): CostPoint[] => {
  const runs = runsAt(suite, mode, ordersPerRequest);
  const failed = new Set(runs.filter((run) => !judge(run, objective).holds).map(ordersPerSecond));
  const points = costPoints(runs.filter((run) => !failed.has(ordersPerSecond(run))));
  const spreads = points.flatMap(({ cost, interval }) => [interval.high / cost - 1, cost / interval.low - 1]);
  const spread = 1 + Math.max(LEAST_SPREAD, ...spreads);
  return points.map(({ cost, interval, ...rest }) => {
    const low = Math.min(interval.low, cost / spread);
    return { ...rest, cost, interval: { ...interval, low, high: Math.max(interval.high, cost * spread) } };
  });
};

export type CostAtShare = CostPoint & {
  readonly mode: string;
  readonly ordersPerRequest: number;
  /** Of the mode's capacity. */
  readonly share: number;
};

/** By ascending rate of each mode, up to its capacity. E12 does not repeat the rates that E2 measured. */
export const costsAtShares = (suite: Suite): CostAtShare[] =>
  modeCapacities(suite)
    .filter(({ mode }) => MODE_NAMES.includes(mode))
    .flatMap((capacity) => {
      const { mode, ordersPerRequest } = capacity;
      const { low } = boundsOf(capacity, "interactive");
      return costPoints(runsAt(suite, mode, ordersPerRequest))
        .filter((point) => point.ordersPerSecond <= low)
        .map((point) => ({
          ...{ ...point, mode, ordersPerRequest },
          share: Number((point.ordersPerSecond / low).toFixed(2)),
        }));
    });
