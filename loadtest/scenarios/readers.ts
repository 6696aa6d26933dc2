/** Those who look at the dashboard at planned times, as the users of an app do. */
import http from "k6/http";
import { arrival, nowMs } from "../lib/clock.ts";
import { dashboardLatency } from "../lib/metrics.ts";
import { settings } from "../lib/run.ts";
import { REPLY_WITHIN_MS } from "../lib/scenarios.ts";
import { filterOf } from "./live.ts";

const url = `${settings.baseUrl}/api/dashboard${filterOf(settings.mode)}`;
const params = { timeout: `${REPLY_WITHIN_MS}ms`, responseType: "none" } as const;

export const read = (): void => {
  const { plannedMs } = arrival();
  http.get(url, params);
  dashboardLatency.add(Math.max(0, nowMs() - plannedMs));
};
