/**
 * Five times the rate that a mode accepts, then a fifth of it. The API has to keep answering (accepted, or 503 with
 * Retry-After), acknowledge within half a second what it accepts, bound its memory, and recover within seconds.
 */
import { openConnections } from "../../../dev/system/client/connections.ts";
import { paced } from "../../../dev/system/client/pacing.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import { sameOrders } from "../generators/catalogue.ts";
import { drive } from "../generators/wrk.ts";
import { percentilesOf } from "../judge/statistics.ts";
import { rounded } from "../judge/usage.ts";
import type { Lab, Order } from "../run/run.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { type Rated, sampled, tallied } from "./rate-run.ts";

const FACTOR = 5;
const AFTER_FACTOR = 0.2;
const AFTER_SECONDS = 8;
/** So few that none is refused: refusals would take the time of what is measured. */
const CONNECTIONS = 16;
const CAPACITY_SECONDS = 4;
const MOST_UNDER_WAY = 2_000;
const REPLY_WITHIN_MS = 5_000;
/** A reply within this time is prompt. */
const PROMPT_MS = 100;
const RECOVERED_FOR_MS = 1_000;

/** Times in milliseconds from the start of the overload; the latency counts from the planned time. */
export type Reply = { readonly plannedMs: number; readonly latencyMs: number; readonly status: number };

export const overload = async (
  lab: Lab,
  { load, setting }: Order,
  system: SystemUnderTest,
): Promise<Rated> => {
  const { seconds, ordersPerRequest: size } = load;
  const path = `/api/${setting.arrangement.route}/${size === 1 ? "order" : "orders"}`;
  const body = sameOrders(system.catalogue, size);
  await system.start();
  // a warm-up: the few refusals of a mode with a slowed backend do not end it
  const url = `${system.url}${path}`;
  const closedLoop = { url, body, connections: CONNECTIONS, seconds: CAPACITY_SECONDS, mayRefuse: true };
  const capacity = await drive(closedLoop, () => undefined);
  // what is still to be counted would take CPU from what is measured next
  await tallied(system.pool, capacity.requests * size);
  const memoryBeforeBytes = system.api()?.residentBytes() ?? 0;
  const sending = { url: system.url, path, body, perSecond: capacity.perSecond, seconds, signal: lab.signal };
  const { result, samples } = await sampled(lab, system, () => sendBoth(sending));
  const acknowledged = result.replies.filter(isAcknowledged).length;
  const { audit, atMs } = await tallied(system.pool, (capacity.requests + acknowledged) * size);
  const { window, replies, lagsMs } = result;
  return {
    ...{ profile: `${FACTOR} times the capacity`, purpose: "overload", ordersPerRequest: size },
    ...{ samples, audit, window, isSentByLab: true },
    ...figuresOf(replies, seconds, { capacity: rounded(capacity.perSecond, 0), memoryBeforeBytes }),
    drainedSeconds: (atMs - window.endMs) / 1_000,
    scheduleLagMs: percentilesOf(lagsMs),
  };
};

type Sending = {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  /** Of the capacity. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
};

/** The overload, then the normal load. The window is of both, and of the last replies. */
const sendBoth = async ({ url, path, body, perSecond, seconds, signal }: Sending) => {
  const connections = openConnections(url, REPLY_WITHIN_MS);
  const replies: Reply[] = [];
  const lagsMs: number[] = [];
  try {
    // clients have their connections already: a server accepts one in each turn of its event loop
    await connections.openAhead(MOST_UNDER_WAY);
    const window = { startMs: Date.now(), endMs: 0 };
    const zeroMs = performance.now();
    const phase = (factor: number, fromMs: number, durationMs: number): Promise<number> =>
      paced(
        {
          ...{ durationMs, signal, offsetOf: (iteration) => (iteration * 1_000) / (perSecond * factor) },
          mayGo: () => connections.underWay() < MOST_UNDER_WAY,
          send: (_iteration, offsetMs) => {
            const plannedMs = fromMs + offsetMs;
            connections.post(path, body, null, ({ sentMs, endMs, status }) => {
              lagsMs.push(sentMs - zeroMs - plannedMs);
              replies.push({ plannedMs, latencyMs: endMs - zeroMs - plannedMs, status });
            });
          },
        },
        zeroMs + fromMs,
      );
    await phase(FACTOR, 0, seconds * 1_000);
    await phase(AFTER_FACTOR, seconds * 1_000, AFTER_SECONDS * 1_000);
    await waitUntil("every request has ended", () => connections.underWay() === 0, 2 * REPLY_WITHIN_MS);
    window.endMs = Date.now();
    return { window, replies, lagsMs };
  } finally {
    await connections.close();
  }
};

const isAcknowledged = ({ status }: Reply): boolean => status >= 200 && status < 300;

type Before = { readonly capacity: number; readonly memoryBeforeBytes: number };

/** Rates and latencies of the overload; the recovery after it. */
export const figuresOf = (
  replies: readonly Reply[],
  seconds: number,
  before: Before,
): Pick<Rated, "rate" | "requests" | "ackMs" | "varied" | "fault"> => {
  const during = replies.filter(({ plannedMs }) => plannedMs < seconds * 1_000);
  const accepted = during.filter(isAcknowledged);
  const refused = during.filter(({ status }) => status === 503);
  const latencies = (of: readonly Reply[]) => percentilesOf(of.map(({ latencyMs }) => latencyMs));
  const unknown = during.length - accepted.length - refused.length;
  return {
    rate: accepted.length / seconds,
    requests: { acknowledged: accepted.length, refused: refused.length, unknown },
    ackMs: latencies(accepted),
    varied: {
      ...before,
      offered: rounded(during.length / seconds, 0),
      refused: rounded(refused.length / seconds, 0),
      refusedP99Ms: rounded(latencies(refused).p99, 1),
    },
    fault: {
      what: "overload",
      downtimeSeconds: 0,
      recoverySeconds: recoverySeconds(replies, seconds * 1_000),
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
