/** A run second by second: what clients met, what waited, and who worked. */

import type { Request, Told } from "../generators/output.ts";
import type { Second } from "../run/results.ts";
import { sumOf } from "../sample/metrics.ts";
import type { Look } from "../sample/sampler.ts";
import { medianOf, percentileOf } from "./statistics.ts";
import { cpuOf, cpuSecondsOf, namesIn, rounded, type Window } from "./usage.ts";

const SECOND_MS = 1_000;

/** Until the last look: what drains after the load is of the run too. */
export const secondsOf = (
  { startMs, requests, visible }: Told,
  looks: readonly Look[],
  mode: string,
): Second[] => {
  const secondOf = (atMs: number): number => Math.floor((atMs - startMs) / SECOND_MS);
  const byPlan = Map.groupBy(requests, ({ plannedAtMs }) => secondOf(plannedAtMs));
  const seen = Map.groupBy(visible, ({ atMs }) => secondOf(atMs));
  const last = Math.max(secondOf(looks.at(-1)?.atMs ?? startMs), ...byPlan.keys(), 0);
  const names = namesIn(looks);
  const lags = looks.map((look) => [look.atMs, lagOf(look, mode)] as const);
  return Array.from({ length: last + 1 }, (_, t): Second => {
    const window = { startMs: startMs + t * SECOND_MS, endMs: startMs + (t + 1) * SECOND_MS };
    const own = byPlan.get(t) ?? [];
    const fresh = (seen.get(t) ?? []).map(({ freshnessMs }) => freshnessMs);
    return {
      t,
      sent: own.length,
      acknowledged: countOf(own, "acknowledged"),
      refused: own.length - countOf(own, "acknowledged"),
      ...latenciesOf(own),
      freshP50: shareOf(fresh, 0.5),
      freshP99: shareOf(fresh, 0.99),
      lagOrders: lagAt(lags, window),
      ...usesIn(looks, names, window),
    };
  });
};

const countOf = (requests: readonly Request[], outcome: Request["outcome"]): number =>
  requests.filter((request) => request.outcome === outcome).length;

const latenciesOf = (requests: readonly Request[]): Pick<Second, "ackP50" | "ackP99"> => {
  const latencies = requests
    .filter(({ outcome }) => outcome === "acknowledged")
    .map(({ latencyMs }) => latencyMs);
  return { ackP50: shareOf(latencies, 0.5), ackP99: shareOf(latencies, 0.99) };
};

const shareOf = (values: readonly number[], share: number): number | null =>
  values.length === 0 ? null : rounded(percentileOf(values, share), 1);

/** Accepted and not counted, as the API sees it; null while it cannot say. */
const lagOf = ({ pages }: Look, mode: string): number | null => {
  const page = pages.get("order-api");
  return page === undefined || page.size === 0 ? null : sumOf(page, "coffee_ingest_lag_orders", { mode });
};

/** The last that was known by the end of the second. */
const lagAt = (lags: readonly (readonly [number, number | null])[], { endMs }: Window): number => {
  const known = lags.filter(([atMs, lag]) => atMs <= endMs && lag !== null);
  const [, lag] = known.at(-1) ?? [];
  return lag !== undefined && lag !== null && Number.isFinite(lag) ? lag : 0;
};

const usesIn = (
  looks: readonly Look[],
  names: readonly string[],
  window: Window,
): Pick<Second, "cpu" | "rss"> => {
  const at = looks.findLast(({ atMs }) => atMs <= window.endMs);
  return {
    cpu: Object.fromEntries(
      names.map((name) => [name, rounded(cpuSecondsOf(looks, window, cpuOf(name)), 3)]),
    ),
    rss: Object.fromEntries(names.map((name) => [name, Math.round(at?.uses.get(name)?.residentBytes ?? 0)])),
  };
};

/** A backlog that only swings does not grow: more than this many seconds' orders have to be added. */
const GROWN_BY_SECONDS = 1;

/**
 * Whether more came in than was counted: the median of the backlog in the last third of the measured time beside that
 * of the first. Two thirds lie between their middles, so in 30 s a rate 5 % too high shows.
 */
export const backlogGrew = (
  seconds: readonly Second[],
  load: { readonly seconds: number; readonly ordersPerSecond: number },
): boolean => {
  const measured = seconds.filter(({ t }) => t < load.seconds).map(({ lagOrders }) => lagOrders);
  const third = Math.floor(measured.length / 3);
  if (third === 0) return false;
  const grown = medianOf(measured.slice(-third)) - medianOf(measured.slice(0, third));
  return grown > load.ordersPerSecond * GROWN_BY_SECONDS;
};
