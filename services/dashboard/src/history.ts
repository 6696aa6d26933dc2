/** The history of sales: which ranges there are, what is asked for each, and the bars that a reply makes. */
import type { Static } from "typebox";
import type { salesReply } from "../../../shared/wire/sales.ts";
import type { Bar } from "./minutes.ts";

export type SalesPage = Static<typeof salesReply>;
type Bucket = "minute" | "hour" | "day";
export type Range = {
  readonly name: string;
  readonly title: string;
  readonly bucket: Bucket;
  readonly buckets: number;
};

const STEP_MS: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** Above the bars of the longest range times a dozen modes. */
const MOST_ROWS = 10_000;

/** Each fits one page and a readable number of bars. */
export const RANGES: readonly [Range, ...Range[]] = [
  { name: "3h", title: "3 hours", bucket: "minute", buckets: 180 },
  { name: "24h", title: "24 hours", bucket: "hour", buckets: 24 },
  { name: "7d", title: "7 days", bucket: "hour", buckets: 168 },
  { name: "30d", title: "30 days", bucket: "day", buckets: 30 },
  { name: "1y", title: "1 year", bucket: "day", buckets: 365 },
];

/** The minutes of the last hours are above it on the page. */
export const FIRST_RANGE = "24h";

export const rangeNamed = (name: string | null): Range | undefined =>
  RANGES.find((range) => range.name === name);

/** The path and query of a range that ends with the bucket of now; `mode` is a mode's name or `all`. */
export const salesPath = ({ bucket, buckets }: Range, mode: string, nowMs: number): string => {
  const step = STEP_MS[bucket];
  const toMs = Math.floor(nowMs / step) * step + step;
  const query = new URLSearchParams({
    bucket,
    by: "none",
    from: new Date(toMs - buckets * step).toISOString(),
    to: new Date(toMs).toISOString(),
    mode,
    limit: String(MOST_ROWS),
  });
  return `api/sales?${query}`;
};

/** Every bucket of the range that was asked for, those without sales too; rows of several modes are summed. */
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
    // whole cents: sums of floats would drift from what the server says
    bar.cents += Math.round(revenue * 100);
  }
  return bars.map(({ cents, ...bar }) => ({ ...bar, revenue: cents / 100 }));
};
