/** Sales as the bars of a chart: the last hour by minute, the history by range, and their summary in a sentence. */
import type { Static } from "typebox";
import type { Dashboard, MinuteSales } from "../../../shared/domain/dashboard.ts";
import type { salesReply } from "../../../shared/wire/sales.ts";
import type { Formats } from "./format.ts";
import { knownUntilMs } from "./status-text.ts";

export type Bar = {
  readonly startMs: number;
  readonly orders: number;
  readonly revenue: number;
  /** The bucket is not over, or not known to its end, so the bar will still grow. */
  readonly isRunning: boolean;
  /** False when the number of orders is unknown, which is not the same as zero. */
  readonly isKnown: boolean;
};

const MINUTE_MS = 60_000;
const MINUTES = 60;

type Hour = Pick<Dashboard, "minutes" | "server_timestamp" | "as_of" | "stale">;

/** The last hour by minute. The board omits minutes without orders, and covers none after its own time. */
export const lastHour = (dashboard: Hour): Bar[] => {
  const { minutes, server_timestamp } = dashboard;
  const sold = new Map(minutes.map((each: MinuteSales) => [Date.parse(each.minute), each]));
  const knownMs = knownUntilMs(dashboard) ?? Number.NEGATIVE_INFINITY;
  const lastMs = Math.floor(Date.parse(server_timestamp) / MINUTE_MS) * MINUTE_MS;
  return Array.from({ length: MINUTES }, (_, index) => {
    const startMs = lastMs - (MINUTES - 1 - index) * MINUTE_MS;
    const { orders = 0, revenue = 0 } = sold.get(startMs) ?? {};
    const isKnown = startMs <= knownMs;
    return { startMs, orders, revenue, isRunning: isKnown && knownMs < startMs + MINUTE_MS, isKnown };
  });
};

export type SalesPage = Static<typeof salesReply>;
type Bucket = "minute" | "hour" | "day";
export type Range = {
  readonly name: string;
  readonly title: string;
  readonly bucket: Bucket;
  readonly buckets: number;
};

const STEP_MS: Readonly<Record<Bucket, number>> = { minute: MINUTE_MS, hour: 3_600_000, day: 86_400_000 };
/** More than the bars of the longest range times a dozen modes. */
const MAX_ROWS = 10_000;

/** Each fits into one reply and has a readable number of bars. */
export const RANGES: readonly [Range, ...Range[]] = [
  { name: "3h", title: "3 hours", bucket: "minute", buckets: 180 },
  { name: "24h", title: "24 hours", bucket: "hour", buckets: 24 },
  { name: "7d", title: "7 days", bucket: "hour", buckets: 168 },
  { name: "30d", title: "30 days", bucket: "day", buckets: 30 },
  { name: "1y", title: "1 year", bucket: "day", buckets: 365 },
];

/** Another chart of the page already shows the last hour by minute. */
export const FIRST_RANGE = "24h";

export const rangeNamed = (name: string | null): Range | undefined =>
  RANGES.find((range) => range.name === name);

/** The path and query of a range that ends with the current bucket; `mode` is a mode's name or `all`. */
export const salesPath = ({ bucket, buckets }: Range, mode: string, nowMs: number): string => {
  const step = STEP_MS[bucket];
  const toMs = Math.floor(nowMs / step) * step + step;
  const query = new URLSearchParams({
    bucket,
    by: "none",
    from: new Date(toMs - buckets * step).toISOString(),
    to: new Date(toMs).toISOString(),
    mode,
    limit: String(MAX_ROWS),
  });
  return `api/sales?${query}`;
};

/** Every bucket of the reply's range, those without sales included. Rows of several modes are summed. */
export const barsOf = ({ bucket, from, to, rows }: SalesPage, nowMs: number): Bar[] => {
  const step = STEP_MS[bucket as Bucket];
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const bars = Array.from({ length: Math.round((toMs - fromMs) / step) }, (_, index) => {
    const startMs = fromMs + index * step;
    const isRunning = startMs <= nowMs && nowMs < startMs + step;
    return { startMs, orders: 0, cents: 0, isRunning, isKnown: true };
  });
  for (const { bucket: start, orders, revenue } of rows) {
    const bar = bars[Math.round((Date.parse(start) - fromMs) / step)];
    if (bar === undefined) continue;
    bar.orders += orders;
    // whole cents: sums of floats would differ from the server's
    bar.cents += Math.round(revenue * 100);
  }
  return bars.map(({ cents, ...bar }) => ({ ...bar, revenue: cents / 100 }));
};

export type Measure = "orders" | "revenue";

export const measured = (value: number, measure: Measure, formats: Formats): string =>
  measure === "revenue"
    ? formats.money(value)
    : `${formats.count(value)} ${value === 1 ? "order" : "orders"}`;

/** A chart's total and maximum in a sentence, for screen readers and as a caption. `named` formats a bar's time. */
export const barsSummary = (
  bars: readonly Bar[],
  measure: Measure,
  formats: Formats,
  named: (startMs: number) => string,
): string => {
  const known = bars.filter(({ isKnown }) => isKnown);
  const [first] = known;
  if (first === undefined) return "Sales in this period are unknown.";
  const unknown = bars.find(({ isKnown }) => !isKnown);
  const rest = unknown === undefined ? "" : ` Unknown from ${named(unknown.startMs)} on.`;
  const cents = known.reduce((sum, bar) => sum + Math.round(bar[measure] * 100), 0);
  if (cents === 0) return `No sales in this period.${rest}`;
  const best = known.reduce((most, bar) => (bar[measure] > most[measure] ? bar : most), first);
  const total = measured(cents / 100, measure, formats);
  const most = measured(best[measure], measure, formats);
  return `${total} in total, at most ${most} at ${named(best.startMs)}.${rest}`;
};
