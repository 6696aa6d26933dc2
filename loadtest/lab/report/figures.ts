/** What the kept runs of a suite say of each mode: its capacity, what half of it looks like, and what orders cost. */

import { settingsFor } from "../experiments/layout.ts";
import { firstBottleneck } from "../judge/bottleneck.ts";
import {
  judge,
  OBJECTIVE_NAMES,
  type ObjectiveName,
  type Standing,
  standingOf,
} from "../judge/objectives.ts";
import { type Interval, intervalOf, medianOf } from "../judge/statistics.ts";
import {
  GENERATORS,
  type GeneratorName,
  generatorOf,
  type KeptRun,
  type Run,
  type Suite,
} from "../run/results.ts";
import { type Capacity, capacityOf, pointOf } from "../search/capacity.ts";

export const runsOf = (suite: Suite, ...experiments: readonly string[]): Run[] =>
  keptOf(suite, ...experiments).map(({ run }) => run);

export const keptOf = ({ runs }: Suite, ...experiments: readonly string[]): KeptRun[] =>
  runs.filter(({ run }) => experiments.includes(run.experiment));

export const isValid = ({ voids }: Run): boolean => voids.length === 0;

export const ordersPerSecond = ({ load }: Run): number => load.requestsPerSecond * load.ordersPerRequest;

const systemOf = (run: Run) =>
  Object.entries(run.resources).flatMap(([name, resource]) => (GENERATORS.has(name) ? [] : [resource]));

/** For a thousand acknowledged orders, probes too; null without orders. */
const perThousand = (run: Run, cpuSeconds: number): number | null => {
  const orders = run.ackMs.count * run.load.ordersPerRequest + (run.probeOrders ?? 0);
  return orders === 0 ? null : (cpuSeconds / orders) * 1_000;
};

/** CPU-seconds of all processes but the generator's. */
export const cpuPerThousand = (run: Run): number | null =>
  perThousand(
    run,
    systemOf(run).reduce((sum, resource) => sum + resource.cpuSeconds, 0),
  );

/** CPU-seconds of one process; null where the run had none of that name. */
export const cpuPerThousandBy = (run: Run, name: string): number | null => {
  const cpuSeconds = run.resources[name]?.cpuSeconds;
  return cpuSeconds === undefined ? null : perThousand(run, cpuSeconds);
};

/** Of all processes but the generator's, each at its highest. */
export const memoryBytes = (run: Run): number =>
  systemOf(run).reduce((sum, resource) => sum + resource.peakRssBytes, 0);

export type ModeCapacity = {
  readonly mode: string;
  readonly ordersPerRequest: number;
  /** What else was varied: "" or "workers 2". */
  readonly variant: string;
  readonly durability: string;
  /** What sent at capacity. */
  readonly generator: GeneratorName;
  readonly found: Readonly<Record<ObjectiveName, Capacity>>;
  /** A resource, "the machine, at 12 940/s" where none was full at the first failing rate, or "not found". */
  readonly bottleneck: string;
};

/** Names of `varied` that distinguish the points of one search, or name a point's purpose; they make no variant. */
const NO_VARIANT = new Set(["rate", "ordersPerRequest", "purpose", "ceilingRate", "share"]);

export const variantOf = ({ varied }: Run): string =>
  Object.entries(varied)
    .filter(([name]) => !NO_VARIANT.has(name))
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join(", ");

/** What `purpose` says of a search's points. Others, as one at half of capacity, are beside the search. */
const SEARCHED: readonly unknown[] = ["step", "bisect", "confirm"];

export const isSearched = ({ varied }: Run): boolean => SEARCHED.includes(varied["purpose"]);

/** Of a closed loop: its rate is what came of it, and its reply times are no judgement. */
export const isPeak = ({ varied }: Run): boolean => varied["purpose"] === "peak";

/** The searches of these experiments, each replayed from its runs. */
export const capacitiesOf = (suite: Suite, ...experiments: readonly string[]): ModeCapacity[] => {
  const searched = runsOf(suite, ...experiments).filter(isSearched);
  const groups = Map.groupBy(searched, (run) =>
    // on the null route it is the generator that is searched
    [run.mode, run.load.ordersPerRequest, variantOf(run), run.mode === "null" ? generatorOf(run) : ""].join(
      "|",
    ),
  );
  const peaks = runsOf(suite, ...experiments).filter((run) => isPeak(run) && isValid(run));
  return [...groups.values()]
    .flatMap((runs) => (runs[0] ? [searchOf(runs, runs[0], peaks)] : []))
    .sort(byMode);
};

const byMode = (a: ModeCapacity, b: ModeCapacity): number =>
  a.ordersPerRequest - b.ordersPerRequest || compared(a.mode, b.mode) || compared(a.generator, b.generator);

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const searchOf = (runs: readonly Run[], first: Run, peaks: readonly Run[]): ModeCapacity => {
  const points = runs.map(pointOf);
  const ceiling = Number(first.varied["ceilingRate"] ?? Number.POSITIVE_INFINITY);
  const settings = settingsFor(first.scale, first.load.requestsPerSecond, ceiling, first.mode === "null");
  const [interactive, relaxed] = OBJECTIVE_NAMES.map((name) => capacityOf(points, settings, name));
  if (!interactive || !relaxed) throw new Error("an objective without a capacity");
  const atCapacity = runs.find(({ load }) => load.requestsPerSecond === interactive.rate) ?? first;
  return {
    mode: first.mode,
    ordersPerRequest: first.load.ordersPerRequest,
    variant: variantOf(first),
    durability: first.durability,
    generator: generatorOf(atCapacity),
    found: { interactive, relaxed },
    bottleneck: firstBottleneck(runs, peaks.filter(isOfSame(first)), interactive),
  };
};

const isOfSame =
  (one: Run) =>
  (other: Run): boolean =>
    other.mode === one.mode &&
    other.load.ordersPerRequest === one.load.ordersPerRequest &&
    variantOf(other) === variantOf(one);

/** In orders per second: the highest that held, and the first that did not; where none failed, none is known. */
export const boundsOf = ({ ordersPerRequest, found }: ModeCapacity, objective: ObjectiveName): Bounds => ({
  low: found[objective].rate * ordersPerRequest,
  high: (found[objective].firstFailing?.rate ?? Number.POSITIVE_INFINITY) * ordersPerRequest,
});

export type Bounds = { readonly low: number; readonly high: number };

/**
 * Of runs at given rates, searched or not: orders per second of the highest rate at which all held with none failing beneath, and
 * of the lowest that failed. Null when none counts.
 */
export const reachOf = (runs: readonly Run[], objective: ObjectiveName = "interactive"): Bounds | null => {
  const at = (standing: Standing): number[] =>
    runs.filter((run) => !isPeak(run) && standingOf(run, objective) === standing).map(ordersPerSecond);
  const [failing, holding] = [at("fails"), at("holds")];
  const high = Math.min(...failing);
  const held = holding.filter((rate) => rate < high);
  return failing.length + holding.length === 0 ? null : { low: Math.max(0, ...held), high };
};

/** How many times the other: surely at least, about, surely at most. The knees lie anywhere within the bounds. */
export const timesOf = (bounds: Bounds, other: Bounds) => ({
  low: bounds.low / other.high,
  ratio: bounds.low / other.low,
  high: bounds.high / other.low,
});

/** Of E7's runs those in which the board was sent as often as it can be; others stand in its table. */
export const atTenHertz = (runs: readonly Run[]): Run[] =>
  runs.filter(({ varied }) => (varied["hertz"] ?? 10) === 10);

export type Half = {
  readonly ordersPerSecond: number;
  readonly ackP50: number;
  readonly ackP99: number;
  readonly freshnessP99: number | null;
  readonly cpuPerThousand: number | null;
  readonly memoryBytes: number;
};

/** "Half" is what lies this near to it, as a share of capacity. */
const HALF = { from: 0.4, to: 0.6 };

/** Valid runs of a mode with nothing set otherwise. */
const costed = (suite: Suite, mode: string, ordersPerRequest: number): Run[] =>
  runsOf(suite, "E2", "E12").filter(
    (run) =>
      run.mode === mode &&
      run.load.ordersPerRequest === ordersPerRequest &&
      isValid(run) &&
      variantOf(run) === "",
  );

/** The valid runs nearest to half of the capacity at SLO-I, all at one rate; empty when none was near. */
export const atHalfOf = (suite: Suite, of: ModeCapacity): Run[] => {
  const { rate } = of.found.interactive;
  const near = costed(suite, of.mode, of.ordersPerRequest).filter(({ load }) => {
    const share = load.requestsPerSecond / rate;
    return share >= HALF.from && share <= HALF.to;
  });
  const distance = (run: Run): number => Math.abs(run.load.requestsPerSecond / rate - 0.5);
  const nearest = Math.min(...near.map(distance));
  return near.filter((run) => distance(run) === nearest);
};

/** Medians of these; null when there are none. */
export const halfOf = (suite: Suite, of: ModeCapacity): Half | null => {
  const runs = atHalfOf(suite, of);
  if (!runs[0]) return null;
  const freshness = runs.flatMap(({ freshnessMs }) => freshnessMs?.p99 ?? []);
  const costs = runs.flatMap((run) => cpuPerThousand(run) ?? []);
  return {
    ordersPerSecond: ordersPerSecond(runs[0]),
    ackP50: medianOf(runs.map(({ ackMs }) => ackMs.p50)),
    ackP99: medianOf(runs.map(({ ackMs }) => ackMs.p99)),
    freshnessP99: freshness.length > 0 ? medianOf(freshness) : null,
    cpuPerThousand: costs.length > 0 ? medianOf(costs) : null,
    memoryBytes: medianOf(runs.map(memoryBytes)),
  };
};

export type CostPoint = {
  readonly ordersPerSecond: number;
  readonly cost: number;
  readonly interval: Interval;
};

/**
 * What two runs of the same may differ by. Costs of fewer repetitions are taken to be as unsure as the most unsure that
 * were repeated, and at least as this.
 */
export const LEAST_SPREAD = 0.05;

/** What a thousand orders cost a mode at each rate at which every run met the objective, by rising rate. */
export const costsOf = (
  suite: Suite,
  mode: string,
  ordersPerRequest: number,
  objective: ObjectiveName,
): CostPoint[] => {
  const runs = costed(suite, mode, ordersPerRequest);
  const points = [...Map.groupBy(runs, ordersPerSecond)]
    .filter(([, group]) => group.every((run) => judge(run, objective).holds))
    .flatMap(([rate, group]) => {
      const costs = group.flatMap((run) => cpuPerThousand(run) ?? []);
      if (costs.length === 0) return [];
      return [{ ordersPerSecond: rate, cost: medianOf(costs), interval: intervalOf(costs) }];
    })
    .sort((a, b) => a.ordersPerSecond - b.ordersPerSecond);
  const spread = Math.max(
    LEAST_SPREAD,
    ...points.map(({ cost, interval }) => Math.max(interval.high / cost, cost / interval.low) - 1),
  );
  return points.map((point) => widened(point, spread));
};

/** A single run's interval would be a point, and a chart of points would show differences that are chance. */
const widened = (point: CostPoint, spread: number): CostPoint => {
  const { cost, interval } = point;
  const low = Math.min(interval.low, cost / (1 + spread));
  return { ...point, interval: { ...interval, low, high: Math.max(interval.high, cost * (1 + spread)) } };
};
