/**
 * What the page keeps of each mode's figures, so that it can show a pace: the last two minutes, second by second, and
 * how fresh the batches of the last minute were. All of it comes from the server, with the server's clock.
 */
import type { Dashboard, ModeFigures } from "../../../shared/domain/dashboard.ts";

/** What is null was not known then: a board that nobody renews says nothing of what is counted now. */
export type Tick = {
  readonly atMs: number;
  readonly orders: number | null;
  readonly lag: number | null;
  readonly rate: number | null;
};
export type Freshness = { readonly atMs: number; readonly ms: number };
export type Pace = {
  /** One a second, oldest first. */
  readonly ticks: readonly Tick[];
  /** How old the slowest order of a batch was when it was counted; of the newest batch of each board with new orders. */
  readonly freshness: readonly Freshness[];
  readonly orders: number;
};
export type Paces = {
  readonly epoch: number;
  /** The server's time, as last heard. */
  readonly atMs: number;
  readonly modes: Readonly<Record<string, Pace>>;
};

export const NO_PACES: Paces = { epoch: 0, atMs: 0, modes: {} };

export const PACE_SECONDS = 120;
const TICK_MS = 1_000;
const KEPT_MS = PACE_SECONDS * 1_000;
const FRESHNESS_MS = 60_000;
/** As long as the server's own rate looks back; shorter, and the second between two looks at the lag shows. */
const RATE_OVER_MS = 10_000;
const LEAST_OVER_MS = 3_000;
/** The page's seconds and those of several API processes are not quite the same. */
const CLOCKS_DIFFER_MS = 5_000;
/** With fewer, the slowest of a hundred would be a guess. */
const LEAST_FOR_TAIL = 20;

type Heard = Pick<Dashboard, "epoch" | "modes" | "stale">;

/** With each board, and each second without one: that nothing changed is a figure too. `atMs` is the server's time. */
export const withDashboard = (paces: Paces, { epoch, modes, stale }: Heard, atMs: number): Paces => {
  // a higher epoch is another truth: a pace between the two would mean nothing
  const goesOn = epoch === paces.epoch && atMs >= paces.atMs - CLOCKS_DIFFER_MS;
  const before = goesOn ? paces.modes : {};
  const next = Object.entries(modes).map(([mode, figures]) => [
    mode,
    paceOf(before[mode], figures, stale, atMs),
  ]);
  return { epoch, atMs: goesOn ? Math.max(atMs, paces.atMs) : atMs, modes: Object.fromEntries(next) };
};

const paceOf = (before: Pace | undefined, figures: ModeFigures, stale: boolean, atMs: number): Pace => {
  const { orders, lag, rate, freshness_ms } = figures;
  const kept = before ?? { ticks: [], freshness: [], orders };
  const last = kept.ticks.at(-1);
  const isDue = last === undefined || atMs - last.atMs >= TICK_MS;
  const isNews = before !== undefined && orders > before.orders && freshness_ms !== null;
  const counted = stale ? { orders: null, rate: null } : { orders, rate };
  return {
    orders,
    ticks: isDue ? [...since(kept.ticks, atMs - KEPT_MS), { atMs, lag, ...counted }] : kept.ticks,
    freshness: isNews
      ? [...since(kept.freshness, atMs - FRESHNESS_MS), { atMs, ms: freshness_ms }]
      : kept.freshness,
  };
};

const since = <T extends { readonly atMs: number }>(kept: readonly T[], fromMs: number): readonly T[] =>
  kept.filter(({ atMs }) => atMs >= fromMs);

/**
 * How fast a count of the server's grew over the last ten seconds; null while it is not known now or was not then, or for
 * less than three seconds of it.
 */
const growth = ({ ticks }: Pace, countAt: (tick: Tick) => number | null): number | null => {
  const last = ticks.at(-1);
  if (last === undefined) return null;
  const first = ticks.find(({ atMs }) => last.atMs - atMs <= RATE_OVER_MS) ?? last;
  if (last.atMs - first.atMs < LEAST_OVER_MS) return null;
  const [from, to] = [countAt(first), countAt(last)];
  if (from === null || to === null) return null;
  return Math.max(0, ((to - from) * 1_000) / (last.atMs - first.atMs));
};

export const countedPerSecond = (pace: Pace): number | null => growth(pace, ({ orders }) => orders);

/** What was counted and what waits: by the same two ticks, so that the two agree while the lag stays as it is. */
export const acceptedPerSecond = (pace: Pace): number | null =>
  growth(pace, ({ orders, lag }) => (orders === null || lag === null ? null : orders + lag));

/** By nearest rank, of the last minute; null when nothing was counted, or too little to tell of a tail. */
export const freshnessQuantile = ({ freshness }: Pace, quantile: number, nowMs: number): number | null => {
  const sorted = since(freshness, nowMs - FRESHNESS_MS)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  if (quantile > 0.5 && sorted.length < LEAST_FOR_TAIL) return null;
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? null;
};
