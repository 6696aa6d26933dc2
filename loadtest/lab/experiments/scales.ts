/** How long things take at each scale, and what that turned down. */
import type { Scale } from "../run/results.ts";

export type Times = {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Of the closed-loop generator. */
  readonly peakSeconds: number;
  readonly probesPerSecond: number;
};

/** A hundred probes are the fewest of which a 99th percentile is one of them. */
export const TIMES: Readonly<Record<Scale, Times>> = {
  smoke: { warmUpSeconds: 3, seconds: 10, peakSeconds: 5, probesPerSecond: 20 },
  standard: { warmUpSeconds: 10, seconds: 30, peakSeconds: 10, probesPerSecond: 10 },
  full: { warmUpSeconds: 30, seconds: 120, peakSeconds: 30, probesPerSecond: 10 },
};

export const SCALES = Object.keys(TIMES) as Scale[];

/** Beyond warm-up and measured time, until a suite has measured it itself: start, drain, audit. */
export const OVERHEAD_SECONDS = 7;

/** Against `full`. What single experiments turned down, they say themselves. */
export const turnedDownBy = (scale: Scale): string[] => {
  if (scale === "full") return [];
  const [own, full] = [TIMES[scale], TIMES.full];
  return [
    `runs of ${own.warmUpSeconds} s warm-up and ${own.seconds} s instead of ${full.warmUpSeconds} s and ${full.seconds} s`,
    scale === "smoke"
      ? "capacity at SLO-I to ±10 % instead of ±5 %, by one confirmation instead of five, in steps of 2 instead of 1.46; at SLO-R as those runs show it, unconfirmed"
      : "capacity at SLO-I by three confirmations instead of five, at SLO-R by one",
  ];
};
