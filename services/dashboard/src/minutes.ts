import type { Dashboard, MinuteSales } from "../../../shared/domain/dashboard.ts";
import { knownUntilMs } from "./honesty.ts";

/** One bar of a chart of sales. */
export type Bar = {
  readonly startMs: number;
  readonly orders: number;
  readonly revenue: number;
  /** It is not over yet, or not known to its end, so that it will grow. */
  readonly isRunning: boolean;
  /** Zero orders are not the same as nobody knowing how many. */
  readonly isKnown: boolean;
};

const MINUTE_MS = 60_000;
const MINUTES = 60;

type Hour = Pick<Dashboard, "minutes" | "server_timestamp" | "as_of" | "stale">;

/** The last hour, minute by minute: the board leaves out minutes without orders, and knows none after its own time. */
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
