/** Arrivals at planned times: orders, one or many a request, and readers of the dashboard. */
import http from "k6/http";
import { outcomesOf } from "../../../shared/client/outcome.ts";
import { requestLine } from "../lib/ledger.ts";
import { authorizationOf, filterOf } from "../lib/live.ts";
import { openOrderRequests } from "../lib/orders.ts";
import { figures, log, settle } from "./figures.ts";
import { arrival, nowMs, orders, settings, startTime } from "./run.ts";

const { baseUrl, mode, ordersPerRequest, hasSamples } = settings;
const requestOf = openOrderRequests(settings, orders);
const timeout = `${settings.replyWithinSeconds}s`;
const authorization = authorizationOf(settings.apiToken);
const headers = { "Content-Type": "application/json", ...authorization };
const batchParams = { headers, timeout };

export const order = (): void => {
  const { planned, iteration, plannedMs, isWarmUp, isFirst } = arrival();
  const { path, body, key } = requestOf(planned, iteration, Date.now());
  const params = key === null ? batchParams : { headers: { ...headers, "Idempotency-Key": key }, timeout };

  const sentMs = nowMs();
  const response = http.post(baseUrl + path, body, params);
  const repliedMs = nowMs();

  const [lagMs, latencyMs] = [Math.max(0, sentMs - plannedMs), Math.max(0, repliedMs - plannedMs)];
  if (!isWarmUp) {
    figures.scheduleLag.add(lagMs);
    figures.orderLatency.add(latencyMs);
  }
  const isReplay = response.headers["Idempotency-Replayed"] === "true";
  const reply = { status: response.status, body: String(response.body ?? ""), isReplay };
  const outcomes = outcomesOf(reply, ordersPerRequest);
  if (hasSamples && !isWarmUp) {
    const outcome = outcomes.failure?.outcome ?? "acknowledged";
    const startedAtMs = isFirst ? startTime() : null;
    log(requestLine({ scenario: planned.number, iteration, lagMs, latencyMs, outcome, startedAtMs }));
  }
  settle(planned, iteration, ordersPerRequest, outcomes, isWarmUp);
};

const dashboardUrl = `${baseUrl}/api/dashboard${filterOf(mode)}`;
const dashboardParams = { headers: authorization, timeout, responseType: "none" } as const;

export const read = (): void => {
  const { plannedMs, isWarmUp } = arrival();
  http.get(dashboardUrl, dashboardParams);
  if (!isWarmUp) figures.dashboardLatency.add(Math.max(0, nowMs() - plannedMs));
};
