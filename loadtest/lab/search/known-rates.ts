/** What later runs of a suite use of earlier ones: the capacity of each arrangement, and the generator's ceiling. */
import { type CapacityOf, settingsFor } from "../experiments/layout.ts";
import { generatorShare, OBJECTIVES, standingOf } from "../judge/objectives.ts";
import { capacitiesOf, isPeak, isSearched } from "../report/figures.ts";
import { generatorOf, type Run, type Suite } from "../run/results.ts";

/** Of a closed loop's peak; an open one meets the objective at about so much. Where nothing was searched it has to do. */
const OF_PEAK = 0.6;
/** Sizes of requests that are searched; others are taken to carry as many orders as the larger one. */
const SEARCHED_SIZES = [1, 10] as const;

const peakOf = (runs: readonly Run[], arrangement: string, size: number): number | null => {
  const peaks = runs.filter(
    (run) =>
      isPeak(run) &&
      run.mode === arrangement &&
      run.load.ordersPerRequest === size &&
      Object.keys(run.settings).every((name) => !name.includes(":")) &&
      run.voids.length === 0,
  );
  const rates = peaks.map(({ load }) => load.requestsPerSecond * load.ordersPerRequest);
  return rates.length === 0 ? null : Math.max(...rates);
};

/** In requests per second; null when it was not measured. */
export const peakRateOf = (suite: Suite, arrangement: string, size: number): number | null => {
  const peak = peakOf(searchRuns(suite), arrangement, size);
  return peak === null ? null : peak / size;
};

const searchRuns = ({ runs }: Suite): Run[] =>
  runs.map(({ run }) => run).filter(({ experiment }) => experiment === "E0" || experiment === "E2");

export const capacityIn =
  (suite: Suite): CapacityOf =>
  (arrangement, ordersPerRequest) => {
    const size = SEARCHED_SIZES.find((each) => each === ordersPerRequest) ?? 10;
    const found = capacitiesOf(suite, "E0", "E2").find(
      (each) => each.mode === arrangement && each.ordersPerRequest === size && each.variant === "",
    );
    const rate = found?.found.interactive.rate ?? 0;
    if (rate > 0) return rate * size;
    const peak = peakOf(searchRuns(suite), arrangement, size);
    return peak === null ? null : peak * OF_PEAK;
  };

/** Of the generator's cores, at its ceiling: at 0.73 of one core the lag's p99 was at its bound of 10 ms. */
const WANTED_SHARE = 0.66;
/** Above this share, the cost of a little more can be extrapolated. */
const CONCLUSIVE_SHARE = 0.75 * WANTED_SHARE;

/** Whether a run on the null route was busy enough to extrapolate the ceiling, or the route itself saturated first. */
export const isCalibrated = (suite: Suite, size: number): boolean =>
  (busiestOn(suite, size)?.share ?? 0) >= CONCLUSIVE_SHARE || failedAt(suite, size) !== null;

/** The lowest rate that the null route did not take as planned, in requests per second. */
const failedAt = (suite: Suite, size: number): number | null => {
  const rates = nullRuns(suite, size)
    .filter((run) => standingOf(run, "interactive") === "fails")
    .map(({ load }) => load.requestsPerSecond);
  return rates.length === 0 ? null : Math.min(...rates);
};

/**
 * Requests per second at which the generator would take so much of its cores; null without such a run. A run at
 * a low rate makes a request seem more expensive than it is, so the busiest run decides.
 */
export const ceilingIn = (suite: Suite, size: number): number | null => {
  const busiest = busiestOn(suite, size);
  if (busiest === null || busiest.share === 0) return null;
  return Math.floor(busiest.rate * (WANTED_SHARE / busiest.share));
};

const busiestOn = (suite: Suite, size: number): { readonly rate: number; readonly share: number } | null => {
  const runs = nullRuns(suite, size)
    // refusals are cheap to send
    .filter(({ errorShare }) => errorShare <= OBJECTIVES.interactive.errorShare);
  const output = runs.map((run) => ({ rate: run.load.requestsPerSecond, share: generatorShare(run) }));
  return output.sort((a, b) => b.rate - a.rate)[0] ?? null;
};

const nullRuns = ({ runs }: Suite, size: number): Run[] =>
  runs.map(({ run }) => run).filter((run) => isOnNull(run, size) && run.load.profile === "constant");

const isOnNull = (run: Run, size: number): boolean =>
  run.mode === "null" && run.load.ordersPerRequest === size && generatorOf(run) === "node";

/**
 * The most that a generator sent to the null route in a run that counts, for the modes' searches: what it could do once
 * it can, and a neighbour on the host may have ended E0's search early. Else what its use of its cores lets expect.
 */
export const generatorCeiling = (suite: Suite, size: number): number | null => {
  const sent = searchRuns(suite)
    .filter((run) => isOnNull(run, size) && isSearched(run) && run.voids.length === 0)
    .map(({ load }) => load.requestsPerSecond);
  return sent.length > 0 ? Math.max(...sent) : ceilingIn(suite, size);
};

/** Near the middle of what a closed loop reached, as the brief search before the search. */
const START_AT = 0.5;

export const searchSettings = (suite: Suite, arrangement: string, size: number) => {
  const { scale } = suite.env;
  const ceiling =
    arrangement === "null"
      ? (ceilingIn(suite, size) ?? Number.POSITIVE_INFINITY)
      : (generatorCeiling(suite, size) ?? Number.POSITIVE_INFINITY);
  const peak = peakRateOf(suite, arrangement, size);
  const startAt = (guess: number): number =>
    Math.max(1, Math.round(Math.min(Number.isFinite(guess) ? guess : 200, ceiling)));
  if (arrangement !== "null") return settingsFor(scale, startAt((peak ?? 200) * START_AT), ceiling);
  // its search starts at the generator's own limit, or half a step below the rate at which the route failed
  const { factor } = settingsFor(scale, 1, ceiling, true);
  const failed = failedAt(suite, size) ?? Number.POSITIVE_INFINITY;
  return settingsFor(scale, startAt(failed <= ceiling ? failed / Math.sqrt(factor) : ceiling), ceiling, true);
};
