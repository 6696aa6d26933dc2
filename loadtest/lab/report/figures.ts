/** Figures of a suite's runs: the capacity of each mode, and the rates that runs held. */
import { settingsFor } from "../experiments/layout.ts";
import { firstBottleneck } from "../judge/bottleneck.ts";
import { type ObjectiveName, type Standing, standingOf } from "../judge/objectives.ts";
import { type GeneratorName, generatorOf, type KeptRun, type Run, type Suite } from "../run/results.ts";
import { type Capacity, capacityOf, pointOf } from "../search/capacity.ts";

export const keptOf = ({ runs }: Suite, ...experiments: readonly string[]): KeptRun[] =>
  runs.filter(({ run }) => experiments.includes(run.experiment));

export const runsOf = (suite: Suite, ...experiments: readonly string[]): Run[] =>
  keptOf(suite, ...experiments).map(({ run }) => run);

export const isValid = ({ voids }: Run): boolean => voids.length === 0;

export const ordersPerSecond = ({ load }: Run): number => load.requestsPerSecond * load.ordersPerRequest;

/** Keys of `varied` that distinguish the runs of one search or name a run's purpose. They make no variant. */
const NO_VARIANT = new Set(["rate", "ordersPerRequest", "purpose", "ceilingRate", "share"]);

/** What else was varied: "" or "workers 2". */
export const variantOf = ({ varied }: Run): string =>
  Object.entries(varied)
    .filter(([name]) => !NO_VARIANT.has(name))
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join(", ");

/** Runs of a search, by `purpose`. Others, for example at half of the capacity, are not part of the search. */
const SEARCHED: readonly unknown[] = ["step", "bisect", "confirm"];
export const isSearched = ({ varied }: Run): boolean => SEARCHED.includes(varied["purpose"]);

/** Closed-loop runs: their rate is a result, and their reply times meet no objective. */
export const isPeak = ({ varied }: Run): boolean => varied["purpose"] === "peak";

export type ModeCapacity = {
  readonly mode: string;
  readonly ordersPerRequest: number;
  readonly variant: string;
  readonly durability: string;
  /** The generator of the runs at capacity. */
  readonly generator: GeneratorName;
  readonly found: Readonly<Record<ObjectiveName, Capacity>>;
  /** A resource, "the machine, at 12 940/s" where none was full at the first failing rate, or "not found". */
  readonly bottleneck: string;
};

/** Replays each search of these experiments from its runs. */
export const capacitiesOf = (suite: Suite, ...experiments: readonly string[]): ModeCapacity[] => {
  const runs = runsOf(suite, ...experiments);
  const arrangementOf = (run: Run): string => [run.mode, run.load.ordersPerRequest, variantOf(run)].join("|");
  // on the null route the search is for the generator's limit
  const searches = Map.groupBy(
    runs.filter(isSearched),
    (run) => `${arrangementOf(run)}|${run.mode === "null" ? generatorOf(run) : ""}`,
  );
  const peaks = runs.filter((run) => isPeak(run) && isValid(run));
  return [...searches.values()]
    .flatMap((searched) => {
      const [first] = searched;
      if (!first) return [];
      const own = peaks.filter((peak) => arrangementOf(peak) === arrangementOf(first));
      return [searchOf(searched, first, own)];
    })
    .sort(
      (a, b) =>
        a.ordersPerRequest - b.ordersPerRequest ||
        compareText(a.mode, b.mode) ||
        compareText(a.generator, b.generator),
    );
};

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const searchOf = (runs: readonly Run[], first: Run, peaks: readonly Run[]): ModeCapacity => {
  const points = runs.map(pointOf);
  const ceiling = Number(first.varied["ceilingRate"] ?? Number.POSITIVE_INFINITY);
  const settings = settingsFor(first.scale, first.load.requestsPerSecond, ceiling, first.mode === "null");
  const interactive = capacityOf(points, settings, "interactive");
  return {
    mode: first.mode,
    ordersPerRequest: first.load.ordersPerRequest,
    variant: variantOf(first),
    durability: first.durability,
    generator: generatorOf(runs.find(({ load }) => load.requestsPerSecond === interactive.rate) ?? first),
    found: { interactive, relaxed: capacityOf(points, settings, "relaxed") },
    bottleneck: firstBottleneck(runs, peaks, interactive),
  };
};

/** E2's capacities with default settings. */
export const modeCapacities = (suite: Suite): ModeCapacity[] =>
  capacitiesOf(suite, "E2").filter(({ variant }) => variant === "");

/** Each number of orders per request, ascending. */
export const sizesOf = (items: readonly { readonly ordersPerRequest: number }[]): number[] =>
  [...new Set(items.map(({ ordersPerRequest }) => ordersPerRequest))].sort((a, b) => a - b);

/** Orders per second: the highest rate that held, and the first that failed; infinite where none failed. */
export type Bounds = { readonly low: number; readonly high: number };

export const boundsOf = ({ ordersPerRequest, found }: ModeCapacity, objective: ObjectiveName): Bounds => ({
  low: found[objective].rate * ordersPerRequest,
  high: (found[objective].firstFailing?.rate ?? Number.POSITIVE_INFINITY) * ordersPerRequest,
});

/**
 * From runs at given rates: the highest rate at which SLO-I held with no failure below it, and the lowest rate that
 * failed. Null when no run counts.
 */
export const reachOf = (runs: readonly Run[]): Bounds | null => {
  const at = (standing: Standing): number[] =>
    runs.filter((run) => !isPeak(run) && standingOf(run, "interactive") === standing).map(ordersPerSecond);
  const [failing, holding] = [at("fails"), at("holds")];
  const high = Math.min(...failing);
  const held = holding.filter((rate) => rate < high);
  return failing.length + holding.length === 0 ? null : { low: Math.max(0, ...held), high };
};

/** What a mode carries with default settings: the capacity where it was searched, else what the given rates reached. */
export const reachIn = (
  suite: Suite,
  experiments: readonly string[],
  mode: string,
  size: number,
): Bounds | null => {
  const searched = capacitiesOf(suite, ...experiments).find(
    (each) => each.mode === mode && each.ordersPerRequest === size && each.variant === "",
  );
  if (searched) return boundsOf(searched, "interactive");
  const runs = runsOf(suite, ...experiments).filter((run) => run.mode === mode && variantOf(run) === "");
  return reachOf(runs.filter(({ load }) => load.ordersPerRequest === size));
};

/** The ratio of two capacities, each anywhere within its bounds: at least, about, at most. */
export const timesOf = (bounds: Bounds, other: Bounds) => ({
  low: bounds.low / other.high,
  ratio: bounds.low / other.low,
  high: bounds.high / other.low,
});

/** E7's runs at the highest update rate of the board. */
export const atTenHertz = (runs: readonly Run[]): Run[] =>
  runs.filter(({ varied }) => (varied["hertz"] ?? 10) === 10);
