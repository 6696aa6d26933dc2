/** Those who look at the dashboard at planned times, as the users of an app do. */
import http from "k6/http";
import { arrival, nowMs } from "../lib/clock.ts";
import { filterOf } from "../lib/live.ts";
import { dashboardLatency } from "../lib/metrics.ts";
import { settings } from "../lib/run.ts";

const url = `${settings.baseUrl}/api/dashboard${filterOf(settings.mode)}`;
const params = { timeout: `${settings.replyWithinSeconds}s`, responseType: "none" } as const;

export const read = (): void => {
  const { plannedMs, isWarmUp } = arrival();
  http.get(url, params);
  if (!isWarmUp) dashboardLatency.add(Math.max(0, nowMs() - plannedMs));
};
