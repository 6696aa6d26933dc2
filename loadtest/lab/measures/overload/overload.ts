/**
 * Five times the rate that a mode accepts, then a fifth of it. The API has to keep answering (accepted, or 503 with
 * Retry-After), acknowledge within half a second what it accepts, bound its memory, and recover within seconds.
 */
import { join } from "node:path";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { sameOrders } from "../../generators/catalogue.ts";
import { drive } from "../../generators/wrk.ts";
import { percentilesOf } from "../../judge/statistics.ts";
import { rounded } from "../../judge/usage.ts";
import { startChild } from "../../run/child-process.ts";
import type { Lab, Order } from "../../run/run.ts";
import type { SystemUnderTest } from "../../run/test-bed.ts";
import { type Rated, sampled, tallied } from "../rate-run.ts";
import type { Reply, Sending, SentLoad } from "./sender.ts";

const FACTOR = 5;
const AFTER_FACTOR = 0.2;
const AFTER_SECONDS = 8;
/** So few that none is refused: refusals would take the time of what is measured. */
const CONNECTIONS = 16;
const CAPACITY_SECONDS = 4;
/** A tenth of what an acknowledgement may take. Above it the generator was late, and the figures are its own. */
const MOST_LAG_P99_MS = 50;
const MEMORY_EVERY_MS = 100;
/** A reply within this time is prompt. */
const PROMPT_MS = 100;
const RECOVERED_FOR_MS = 1_000;

export const overload = async (
  lab: Lab,
  { load, setting }: Order,
  system: SystemUnderTest,
): Promise<Rated> => {
  const { seconds, ordersPerRequest: size } = load;
  const path = `/api/${setting.arrangement.route}/${size === 1 ? "order" : "orders"}`;
  const body = sameOrders(system.catalogue, size);
  const inCapacity = CONNECTIONS * size;
  await system.start();
  const capacity = await capacityOf(`${system.url}${path}`, body);
  // what is still to be counted would take CPU from what is measured next
  const first = await tallied(system.pool, capacity.requests * size, inCapacity);
  if (first.audit.problems.length > 0) throw new Error(first.audit.problems.join("; "));
  const phases = [
    { perSecond: capacity.perSecond * FACTOR, seconds },
    { perSecond: capacity.perSecond * AFTER_FACTOR, seconds: AFTER_SECONDS },
  ];
  const memory = memoryOf(system);
  const { result, samples } = await sampled(lab, system, () =>
    sendAll({ url: system.url, path, body, phases }),
  ).finally(memory.stop);
  const { replies, lagsMs, ...window } = result;
  const acknowledged = replies.filter(isAcknowledged).length;
  const unknown = replies.filter(({ status }) => status === 0).length;
  const { audit, atMs } = await tallied(
    system.pool,
    (capacity.requests + acknowledged) * size,
    inCapacity + unknown * size,
  );
  const scheduleLagMs = percentilesOf(lagsMs);
  const figures = figuresOf(replies, seconds);
  return {
    ...{ profile: `${FACTOR} times the capacity`, purpose: "overload", ordersPerRequest: size },
    ...{ samples, audit, window, scheduleLagMs, ...figures },
    varied: { capacity: rounded(capacity.perSecond, 0), ...memory.bytes(), ...figures.varied },
    drainedSeconds: (atMs - window.endMs) / 1_000,
    problems:
      scheduleLagMs.p99 > MOST_LAG_P99_MS
        ? [`the generator sent ${Math.round(scheduleLagMs.p99)} ms late (p99) > ${MOST_LAG_P99_MS} ms`]
        : [],
    // it shares the cores with the system: its lag shows whether it had enough of them
    isSentByLab: true,
  };
};

/** By a closed loop. It warms the programs up too: the few refusals of a mode with a slowed backend do not end it. */
const capacityOf = async (url: string, body: string) => {
  const closedLoop = { url, body, connections: CONNECTIONS, seconds: CAPACITY_SECONDS, mayRefuse: true };
  const capacity = await drive(closedLoop, () => undefined);
  if (capacity.requests === 0) throw new Error(`${url} accepted nothing in ${CAPACITY_SECONDS} s`);
  return capacity;
};

const sendAll = async (sending: Sending): Promise<SentLoad> => {
  const closers = openClosers();
  try {
    const sender = startChild<Sending>(join(import.meta.dirname, "sender.ts"), closers);
    return await sender.request<SentLoad>(sending);
  } finally {
    await closers.closeAll();
  }
};

/** The resident memory of the API, before and at most. */
const memoryOf = (system: SystemUnderTest) => {
  const now = (): number => system.api()?.residentBytes() ?? 0;
  const memoryBeforeBytes = now();
  let memoryPeakBytes = memoryBeforeBytes;
  const timer = setInterval(() => {
    memoryPeakBytes = Math.max(memoryPeakBytes, now());
  }, MEMORY_EVERY_MS);
  return { bytes: () => ({ memoryBeforeBytes, memoryPeakBytes }), stop: () => clearInterval(timer) };
};

const isAcknowledged = ({ status }: Reply): boolean => status >= 200 && status < 300;

/** Rates and latencies of the overload; the recovery after it. `varied.recoverySeconds` is "never" without one. */
export const figuresOf = (
  replies: readonly Reply[],
  seconds: number,
): Required<Pick<Rated, "rate" | "requests" | "ackMs" | "varied">> => {
  const endMs = seconds * 1_000;
  const during = replies.filter(({ plannedMs }) => plannedMs < endMs);
  const accepted = during.filter(isAcknowledged);
  const refused = during.filter(({ status }) => status === 503);
  const latencies = (of: readonly Reply[]) => percentilesOf(of.map(({ latencyMs }) => latencyMs));
  const sentInTime = during.filter(({ sentMs }) => sentMs < endMs).length;
  return {
    rate: accepted.length / seconds,
    requests: {
      acknowledged: accepted.length,
      refused: refused.length,
      unknown: during.length - accepted.length - refused.length,
    },
    ackMs: latencies(accepted),
    varied: {
      offered: rounded(sentInTime / seconds, 0),
      refused: rounded(refused.length / seconds, 0),
      refusedP99Ms: rounded(latencies(refused).p99, 1),
      recoverySeconds: recoverySeconds(replies, endMs) ?? "never",
    },
  };
};

/** From the end of the overload to the first second in which everything is acknowledged promptly; null without one. */
const recoverySeconds = (replies: readonly Reply[], endMs: number): number | null => {
  const after = replies
    .filter(({ plannedMs }) => plannedMs >= endMs)
    .sort((a, b) => a.plannedMs - b.plannedMs);
  let sinceMs = endMs;
  for (const reply of after) {
    if (reply.plannedMs - sinceMs >= RECOVERED_FOR_MS) break;
    if (!isAcknowledged(reply) || reply.latencyMs > PROMPT_MS) sinceMs = reply.plannedMs;
  }
  const lastMs = after.at(-1)?.plannedMs ?? endMs;
  return lastMs - sinceMs >= RECOVERED_FOR_MS ? rounded((sinceMs - endMs) / 1_000, 1) : null;
};
