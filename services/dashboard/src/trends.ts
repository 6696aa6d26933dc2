/**
 * Recent figures of each mode: two minutes of counts, lag and rate by second, and the freshness of the last minute's
 * batches. They come from the server, with the server's clock.
 */
import type { Dashboard, ModeFigures } from "../../../shared/domain/dashboard.ts";

/** Null means unknown at that time: a stale board says nothing about the current counts. */
export type Sample = {
  readonly atMs: number;
  readonly orders: number | null;
  readonly lag: number | null;
  readonly rate: number | null;
};
export type Freshness = { readonly atMs: number; readonly ms: number };
export type Trend = {
  /** One per second, oldest first. */
  readonly samples: readonly Sample[];
  /** The age of a batch's slowest order when it was counted; for the newest batch of each board with new orders. */
  readonly freshness: readonly Freshness[];
  readonly orders: number;
};
export type Trends = {
  readonly epoch: number;
  /** The server's time of the latest sample. */
  readonly atMs: number;
  readonly modes: Readonly<Record<string, Trend>>;
};

export const NO_TRENDS: Trends = { epoch: 0, atMs: 0, modes: {} };

export const TREND_SECONDS = 120;
const SAMPLE_EVERY_MS = 1_000;
const KEPT_MS = TREND_SECONDS * 1_000;
const FRESHNESS_MS = 60_000;
/** The window of the server's own rate. In a shorter one the lag, which is polled every second, would show as steps. */
const RATE_OVER_MS = 10_000;
const MIN_OVER_MS = 3_000;
/** The clocks of the page and of several API processes differ slightly. */
const CLOCKS_DIFFER_MS = 5_000;
/** The p99 of fewer batches would be a guess. */
const MIN_FOR_TAIL = 20;

type Board = Pick<Dashboard, "epoch" | "modes" | "stale">;

/** Called with each board, and each second without one, because no change is a sample too. `atMs` is the server's time. */
export const withDashboard = (trends: Trends, { epoch, modes, stale }: Board, atMs: number): Trends => {
  // the counts of two epochs cannot be compared
  const continues = epoch === trends.epoch && atMs >= trends.atMs - CLOCKS_DIFFER_MS;
  const before = continues ? trends.modes : {};
  const next = Object.entries(modes).map(([mode, figures]) => [
    mode,
    trendOf(before[mode], figures, stale, atMs),
  ]);
  return { epoch, atMs: continues ? Math.max(atMs, trends.atMs) : atMs, modes: Object.fromEntries(next) };
};

const trendOf = (before: Trend | undefined, figures: ModeFigures, stale: boolean, atMs: number): Trend => {
  const { orders, lag, rate, freshness_ms } = figures;
  const kept = before ?? { samples: [], freshness: [], orders };
  const last = kept.samples.at(-1);
  const isDue = last === undefined || atMs - last.atMs >= SAMPLE_EVERY_MS;
  const hasNewOrders = before !== undefined && orders > before.orders && freshness_ms !== null;
  const counted = stale ? { orders: null, rate: null } : { orders, rate };
  return {
    orders,
    samples: isDue ? [...since(kept.samples, atMs - KEPT_MS), { atMs, lag, ...counted }] : kept.samples,
    freshness: hasNewOrders
      ? [...since(kept.freshness, atMs - FRESHNESS_MS), { atMs, ms: freshness_ms }]
      : kept.freshness,
  };
};

const since = <T extends { readonly atMs: number }>(kept: readonly T[], fromMs: number): readonly T[] =>
  kept.filter(({ atMs }) => atMs >= fromMs);

/**
 * The growth per second of a count over the last ten seconds; null if the count is unknown at either end, or known for
 * less than three seconds.
 */
const growth = ({ samples }: Trend, countAt: (sample: Sample) => number | null): number | null => {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const first = samples.find(({ atMs }) => last.atMs - atMs <= RATE_OVER_MS) ?? last;
  if (last.atMs - first.atMs < MIN_OVER_MS) return null;
  const [from, to] = [countAt(first), countAt(last)];
  if (from === null || to === null) return null;
  return Math.max(0, ((to - from) * 1_000) / (last.atMs - first.atMs));
};

export const countedPerSecond = (trend: Trend): number | null => growth(trend, ({ orders }) => orders);

/** The growth of counted and pending orders, by the same two samples, so that both rates agree while the lag is constant. */
export const acceptedPerSecond = (trend: Trend): number | null =>
  growth(trend, ({ orders, lag }) => (orders === null || lag === null ? null : orders + lag));

/** By nearest rank, of the last minute; null without batches, or with too few for a quantile above the median. */
export const freshnessQuantile = ({ freshness }: Trend, quantile: number, nowMs: number): number | null => {
  const sorted = since(freshness, nowMs - FRESHNESS_MS)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  if (quantile > 0.5 && sorted.length < MIN_FOR_TAIL) return null;
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? null;
};
