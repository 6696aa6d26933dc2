/** Orders at planned times: one a request, or many. */
import http from "k6/http";
import { outcomesOf } from "../../shared/client/outcome.ts";
import { arrival, nowMs, startTime } from "../lib/clock.ts";
import { orderLatency, scheduleLag } from "../lib/metrics.ts";
import { openOrderRequests } from "../lib/order-requests.ts";
import { orders, settings } from "../lib/run.ts";
import { requestLine } from "../lib/sample-lines.ts";
import { settle } from "./account.ts";

const { baseUrl, ordersPerRequest, hasSamples } = settings;
const requestOf = openOrderRequests(settings, orders);
const timeout = `${settings.replyWithinSeconds}s`;
const JSON_TYPE = "application/json";
const batchParams = { headers: { "Content-Type": JSON_TYPE }, timeout };

export const order = (): void => {
  const { planned, iteration, plannedMs, isWarmUp, isFirst } = arrival();
  const { path, body, key } = requestOf(planned, iteration, Date.now());
  const params =
    key === null ? batchParams : { headers: { "Content-Type": JSON_TYPE, "Idempotency-Key": key }, timeout };

  const sentMs = nowMs();
  const response = http.post(baseUrl + path, body, params);
  const repliedMs = nowMs();

  const [lagMs, latencyMs] = [Math.max(0, sentMs - plannedMs), Math.max(0, repliedMs - plannedMs)];
  if (!isWarmUp) {
    scheduleLag.add(lagMs);
    orderLatency.add(latencyMs);
  }
  const isReplay = response.headers["Idempotency-Replayed"] === "true";
  const reply = { status: response.status, body: String(response.body ?? ""), isReplay };
  const account = outcomesOf(reply, ordersPerRequest);
  if (hasSamples && !isWarmUp) {
    const outcome = account.failure?.outcome ?? "acknowledged";
    const startedAtMs = isFirst ? startTime() : null;
    console.log(requestLine({ scenario: planned.number, iteration, lagMs, latencyMs, outcome, startedAtMs }));
  }
  settle(planned, iteration, ordersPerRequest, account, isWarmUp);
};
