/**
 * The clients of live.ts, in a process of their own: they order at planned times, whether or not earlier orders were
 * answered, and one of them follows the dashboard. Replies and frames are read by the same clock.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { followDashboard } from "#shared/client/follow.ts";
import { type Random, randomFrom } from "#shared/domain/random.ts";
import catalogue from "../../../services/order-api/catalogue.json" with { type: "json" };
import { openProbes, type Probe, type Probes } from "./probes.ts";

export type Told = {
  readonly url: string;
  readonly mode: string;
  readonly perSecond: number;
  /** Orders of this time are sent and counted like the others, and no figure knows them. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly probeStores: readonly string[];
  readonly seed: number;
};

export type Heard = {
  readonly accepted: number;
  /** How many were answered otherwise, by the answer. */
  readonly refused: Readonly<Record<string, number>>;
  /** From the reply to the first frame in which it is counted; 0 when the frame came before the reply. */
  readonly freshnessMs: readonly number[];
  /** The same from when the order was due. */
  readonly sinceDueMs: readonly number[];
  /** Accepted probe orders that no frame showed in time. */
  readonly unseen: number;
  /** Orders that would have been probes, had a store been free: freshness was above a second then. */
  readonly withoutStore: number;
  /** How long after it was due an order was sent, 99th percentile. */
  readonly lateP99Ms: number;
};

/** Of all orders, at times of chance: planned ones would meet the same moments of the publisher's step each time. */
const PROBE_SHARE = 0.1;
/** Half a second of the load; what comes due beyond is sent as soon as one is free. */
const MOST_AT_ONCE = 256;
const CONNECTED_WITHIN_MS = 10_000;
const REPLY_WITHIN_MS = 5_000;
const SEEN_WITHIN_MS = 10_000;
const POLL_MS = 10;
const NO_REPLY = "no reply";

const run = async (told: Told): Promise<Heard> => {
  const probes = openProbes(told.probeStores);
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE });
  const follower = followDashboard({
    url: told.url,
    // another mode's late orders must not be taken for ours
    mode: told.mode,
    onState: ({ hour_stores }) =>
      probes.shown(new Map(hour_stores.map(({ store, orders }) => [store, orders])), performance.now()),
  });
  try {
    if (!(await within(CONNECTED_WITHIN_MS, () => follower.state() !== null)))
      throw new Error(`${told.url} sent no dashboard within ${CONNECTED_WITHIN_MS / 1_000} s`);
    return await send(told, probes, agent);
  } finally {
    follower.close();
    agent.destroy();
  }
};

const send = async (told: Told, probes: Probes, agent: Agent): Promise<Heard> => {
  const { url, mode, perSecond, warmUpSeconds, seconds, seed } = told;
  const random = randomFrom(seed);
  const target = new URL(`/api/${mode}/order`, url);
  const latenessMs: number[] = [];
  const replies: Promise<void>[] = [];
  const refused: Record<string, number> = {};
  let withoutStore = 0;

  const order = async (probe: Probe | null): Promise<void> => {
    const refusal = await refusalOf(target, agent, bodyOf(random, probe));
    if (refusal === null && probe) probe.acceptedMs = performance.now();
    if (refusal === null) return;
    if (probe) probes.lost(probe);
    refused[refusal] = (refused[refusal] ?? 0) + 1;
  };

  const startMs = performance.now();
  const measuredFromMs = startMs + warmUpSeconds * 1_000;

  for (let sent = 0; sent < perSecond * (warmUpSeconds + seconds); sent++) {
    const dueMs = startMs + (sent * 1_000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const isProbe = random.next() < PROBE_SHARE;
    const probe = isProbe ? probes.begin(dueMs) : null;
    if (isProbe && probe === null) withoutStore++;
    if (dueMs >= measuredFromMs) latenessMs.push(performance.now() - dueMs);
    replies.push(order(probe));
  }
  await Promise.all(replies);
  await within(SEEN_WITHIN_MS, () => probes.waiting() === 0);
  // one without a reply may be seen all the same
  const measured = probes.all.filter(
    ({ dueMs, acceptedMs, seenMs }) => dueMs >= measuredFromMs && !Number.isNaN(seenMs - acceptedMs),
  );
  return {
    accepted: replies.length - Object.values(refused).reduce((sum, count) => sum + count, 0),
    refused,
    freshnessMs: measured.map(({ acceptedMs, seenMs }) => Math.max(0, seenMs - acceptedMs)),
    sinceDueMs: measured.map(({ dueMs, seenMs }) => seenMs - dueMs),
    unseen: probes.waiting(),
    withoutStore,
    lateP99Ms: latenessMs.sort((a, b) => a - b)[Math.floor(latenessMs.length * 0.99)] ?? 0,
  };
};

const bodyOf = (random: Random, probe: Probe | null): string =>
  JSON.stringify({
    drink: random.pick(catalogue.drinks),
    store: probe?.store ?? random.pick(catalogue.stores),
    price: (150 + random.below(600)) / 100,
  });

/** Null when it was accepted; resolves when the whole reply is there, or none came. */
const refusalOf = (target: URL, agent: Agent, body: string): Promise<string | null> =>
  new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const signal = AbortSignal.timeout(REPLY_WITHIN_MS);
    // refused, reset or too late: nobody can tell whether it was taken
    const silent = (): void => resolve(NO_REPLY);
    const sent = request(target, { method: "POST", agent, headers, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", silent);
      response.once("end", () => {
        const { statusCode = 0 } = response;
        const why = /"type":"([^"]+)"/.exec(text)?.[1] ?? "";
        resolve(statusCode === 201 || statusCode === 202 ? null : `${statusCode} ${why}`);
      });
    });
    sent.once("error", silent);
    sent.end(body);
  });

/** Whether the condition came true in time. */
const within = async (ms: number, condition: () => boolean): Promise<boolean> => {
  for (const deadline = performance.now() + ms; !condition(); await sleep(POLL_MS))
    if (performance.now() > deadline) return false;
  return true;
};

process.on("message", async (message: Told) => {
  process.send?.(await run(message));
});
process.on("disconnect", () => process.exit());
