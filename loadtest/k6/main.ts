/**
 * k6's entry: `k6 run -e MODE=v2 -e PROFILE=spike loadtest/k6/main.ts`. ../README.md has the settings, the profiles and the
 * figures. Everything that k6 runs imports by relative path, and nothing of Node's.
 */
import { sleep } from "k6";
import http from "k6/http";
import type { Options } from "k6/options";
import { k6Objectives, k6Scenarios, k6Thresholds } from "./lib/k6-options.ts";
import { authorizationOf } from "./lib/live.ts";
import { missedOf } from "./lib/objectives.ts";
import { accessPath, deniedBy, NO_ORDERS, unreachable } from "./lib/settings.ts";
import { type Figures, summaryOf, summaryText, TREND_STATS } from "./lib/summary.ts";
import { plan, settings } from "./scenarios/run.ts";

export { order, read } from "./scenarios/requests.ts";
export { probe, watch } from "./scenarios/sockets.ts";

export const options = {
  scenarios: k6Scenarios(plan, settings),
  thresholds: k6Thresholds(plan, settings),
  summaryTrendStats: TREND_STATS,
  // each value makes another time series in k6, so no ids and no addresses
  systemTags: ["scenario", "status", "method", "name", "error_code", "expected_response"],
  tags: { mode: settings.mode, profile: settings.profile },
  // a redirect would hide a request that got no reply
  maxRedirects: 0,
} as unknown as Options;

const ASK_EVERY_SECONDS = 0.1;
type Started = { readonly startedAtMs: number };

/** Without a server the run ends with one error, not with a line for each request. */
export const setup = (): Started => {
  const deadlineMs = Date.now() + settings.waitSeconds * 1_000;
  const headers = authorizationOf(settings.apiToken);
  const ask = (path: string) => http.get(`${settings.baseUrl}${path}`, { headers, timeout: "5s" });
  // when both start together, k6 creates its virtual users while the system starts
  while (Date.now() < deadlineMs && ask("/readyz").status !== 200) sleep(ASK_EVERY_SECONDS);
  if (ask("/livez").status === 0) throw new Error(unreachable(settings));
  const post = { headers: { ...headers, "Content-Type": "application/json" }, timeout: "5s" };
  const denied = deniedBy(
    http.post(settings.baseUrl + accessPath(settings), NO_ORDERS, post).status,
    settings,
  );
  if (denied !== null) throw new Error(denied);
  return { startedAtMs: Date.now() };
};

type Finished = Figures & { readonly setup_data?: Started };

export const handleSummary = (data: Finished): Record<string, string> => {
  const startedAtMs = data.setup_data?.startedAtMs ?? settings.runStartMs;
  const summary = summaryOf(plan, settings, "k6", { startedAtMs, endedAtMs: Date.now() }, data);
  const missed = missedOf(
    k6Objectives(plan, settings),
    ({ figure, stat, most }) => (data.metrics[figure]?.values[stat] ?? 0) > most,
  );
  const text = summaryText(summary, missed);
  if (settings.summaryFile === null) return { stdout: text };
  return { stdout: text, [settings.summaryFile]: `${JSON.stringify(summary)}\n` };
};
