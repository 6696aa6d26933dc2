/** Orders at planned times: one a request, or many. */
import http from "k6/http";
import { arrival, nowMs, startTime } from "../lib/clock.ts";
import { idsOf } from "../lib/ids.ts";
import { accountOf } from "../lib/ledger.ts";
import { orderLatency, scheduleLag } from "../lib/metrics.ts";
import type { Customers } from "../lib/orders.ts";
import { orders, settings } from "../lib/run.ts";
import { requestLine } from "../lib/sample-lines.ts";
import { settle } from "./account.ts";

const { baseUrl, mode, run, runStartMs, ordersPerRequest, hasSamples } = settings;
const isBatch = ordersPerRequest > 1;
const url = `${baseUrl}/api/${mode}/${isBatch ? "orders" : "order"}`;
const timeout = `${settings.replyWithinSeconds}s`;
const JSON_TYPE = "application/json";
const batchParams = { headers: { "Content-Type": JSON_TYPE }, timeout };

/** By scenario. */
const ids: ReturnType<typeof idsOf>[] = [];

export const order = (): void => {
  const { planned, iteration, plannedMs, isWarmUp, isFirst } = arrival();
  const { number, customers } = planned;
  ids[number] ??= idsOf(run, number, runStartMs);
  const idOf = ids[number] ?? idsOf(run, number, runStartMs);
  const body = isBatch
    ? batchOf(customers, number, iteration, idOf)
    : orders.textOf(customers, number, iteration, 0, Date.now());
  const params = isBatch
    ? batchParams
    : { headers: { "Content-Type": JSON_TYPE, "Idempotency-Key": idOf(iteration, 0) }, timeout };

  const sentMs = nowMs();
  const response = http.post(url, body, params);
  const repliedMs = nowMs();

  if (!isWarmUp) {
    scheduleLag.add(Math.max(0, sentMs - plannedMs));
    orderLatency.add(Math.max(0, repliedMs - plannedMs));
  }
  const isReplay = response.headers["Idempotency-Replayed"] === "true";
  const reply = { status: response.status, body: String(response.body ?? ""), isReplay };
  const account = accountOf(reply, ordersPerRequest);
  if (hasSamples && !isWarmUp) {
    const [lagMs, latencyMs] = [Math.max(0, sentMs - plannedMs), Math.max(0, repliedMs - plannedMs)];
    const outcome = account.failure?.outcome ?? "acknowledged";
    const startedAtMs = isFirst ? startTime() : null;
    console.log(requestLine({ scenario: number, iteration, lagMs, latencyMs, outcome, startedAtMs }));
  }
  settle(planned, iteration, ordersPerRequest, account, isWarmUp);
};

const batchOf = (
  customers: Customers,
  scenario: number,
  iteration: number,
  idOf: (iteration: number, item: number) => string,
): string => {
  const nowAtMs = Date.now();
  const texts: string[] = [];
  for (let item = 0; item < ordersPerRequest; item++)
    texts.push(orders.textWithId(customers, scenario, iteration, item, nowAtMs, idOf(iteration, item)));
  return `[${texts.join(",")}]`;
};
