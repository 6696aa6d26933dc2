/**
 * k6's entry: `k6 run -e MODE=v2 -e PROFILE=spike loadtest/main.ts`. README.md has the settings, the profiles and the
 * figures; everything that k6 runs imports by relative path, and nothing of Node's.
 */
import { sleep } from "k6";
import http from "k6/http";
import type { Options } from "k6/options";
import { thresholdsOf } from "./lib/objectives.ts";
import { plan, settings } from "./lib/run.ts";
import { k6Scenarios } from "./lib/scenarios.ts";
import { type K6Figures, missedIn, summaryOf, summaryText, TREND_STATS } from "./lib/summary.ts";

export { order } from "./scenarios/orders.ts";
export { probe } from "./scenarios/probe.ts";
export { read } from "./scenarios/readers.ts";
export { watch } from "./scenarios/watchers.ts";

export const options = {
  scenarios: k6Scenarios(plan, settings.mostVus),
  thresholds: thresholdsOf(plan, settings.mostVus),
  summaryTrendStats: TREND_STATS,
  // of bounded number, since every one multiplies k6's time series: no ids, no addresses
  systemTags: ["scenario", "status", "method", "name", "error_code", "expected_response"],
  tags: { mode: settings.mode, profile: settings.profile },
  // requests have timeouts of their own; a redirect would hide one that was not answered
  maxRedirects: 0,
} as unknown as Options;

const ASK_EVERY_SECONDS = 0.1;
type Started = { readonly startedAtMs: number };

/** Nobody wants a thousand lines about a server that is not there. */
export const setup = (): Started => {
  const deadlineMs = Date.now() + settings.waitSeconds * 1_000;
  const ask = (path: string) => http.get(`${settings.baseUrl}${path}`, { timeout: "5s" });
  // started beside the system, k6 wakes its virtual users while the system starts
  while (Date.now() < deadlineMs && ask("/readyz").status !== 200) sleep(ASK_EVERY_SECONDS);
  const { status, error } = ask("/livez");
  if (status === 0)
    throw new Error(
      `BASE_URL is ${settings.baseUrl}, where nobody answers (${error}): start the system first.`,
    );
  return { startedAtMs: Date.now() };
};

type Finished = K6Figures & {
  readonly metrics: Parameters<typeof missedIn>[0];
  readonly setup_data?: Started;
};

export const handleSummary = (data: Finished): Record<string, string> => {
  const summary = summaryOf(plan, settings, data.setup_data?.startedAtMs ?? settings.runStartMs, data);
  const text = summaryText(summary, missedIn(data.metrics));
  if (settings.summaryFile === null) return { stdout: text };
  return { stdout: text, [settings.summaryFile]: `${JSON.stringify(summary)}\n` };
};
