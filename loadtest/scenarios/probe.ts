/**
 * Freshness where users are: orders at times of chance (Poisson), each awaited on a dashboard. One virtual user sends
 * and watches, so there is one clock and one connection, and a late order delays no other.
 *
 * k6 sees one iteration. In ids and ledger an iteration is a planned order, the k-th of which is for the k-th store,
 * round and round; what could not be sent is logged as refused, so that the ledger has no hole.
 */
import http from "k6/http";
import { clearTimeout, setTimeout } from "k6/timers";
import { randomFrom } from "../../shared/domain/random.ts";
import { arrival, nowMs } from "../lib/clock.ts";
import { orderId } from "../lib/ids.ts";
import { accountOf, ledgerLine, NOT_SENT } from "../lib/ledger.ts";
import { freshnessMissed, freshnessSkipped, orderFreshness, probesPlanned } from "../lib/metrics.ts";
import { probeBody } from "../lib/orders.ts";
import { openProbes } from "../lib/probes.ts";
import { anyDrink, settings } from "../lib/run.ts";
import { freshnessLine } from "../lib/sample-lines.ts";
import { type Planned, VISIBLE_WITHIN_MS } from "../lib/scenarios.ts";
import { openStoreCounts } from "../lib/store-counts.ts";
import { settle } from "./account.ts";
import { liveUrl, openLive, RESYNC } from "./live.ts";

const { baseUrl, mode, run, runStartMs, seed, probesPerSecond, probeStores, hasSamples } = settings;
const url = `${baseUrl}/api/${mode}/order`;
const SECOND_MS = 1_000;
const RECONNECT_AFTER_MS = 500;
const CHECK_EVERY_MS = 100;
/** As long as the server bounds it. */
const RESYNC_EVERY_MS = 1_000;

export const probe = (): void => {
  const { planned, plannedMs: startMs } = arrival();
  const probes = openProbes(VISIBLE_WITHIN_MS);
  const endMs = startMs + planned.durationMs;
  const dashboard = followDashboard((hour, orders) => {
    const atMs = nowMs();
    for (const { freshnessMs } of probes.shown(hour, orders, atMs)) {
      orderFreshness.add(freshnessMs);
      if (hasSamples) console.log(freshnessLine({ atMs: Date.now(), freshnessMs }));
    }
  });
  let replies = 0;

  const send = async (iteration: number, store: string): Promise<void> => {
    replies++;
    const headers = {
      "Content-Type": "application/json",
      "Idempotency-Key": orderId(run, planned.number, iteration, 0, runStartMs),
    };
    const timeout = `${settings.replyWithinSeconds}s`;
    const response = await http.asyncRequest("POST", url, probeBody(anyDrink, store), { headers, timeout });
    replies--;
    const reply = { status: response.status, body: String(response.body ?? ""), isReplay: false };
    const account = accountOf(reply, 1);
    if (account.failure?.outcome === "refused") probes.refused(store);
    if (account.failure?.outcome === "unknown") probes.unknown(store);
    settle(planned, iteration, 1, account);
  };

  atTimesOfChance(startMs, endMs, (iteration) => {
    const store = probeStores[iteration % probeStores.length] ?? "";
    probesPlanned.add(1);
    if (probes.begin(store, nowMs())) void send(iteration, store);
    else skip(planned, iteration);
  });
  const check = (): void => {
    const missed = probes.missed(nowMs());
    if (missed > 0) freshnessMissed.add(missed);
    if (nowMs() < endMs || replies > 0 || probes.underWay() > 0) setTimeout(check, CHECK_EVERY_MS);
    else dashboard.close();
  };
  check();
};

/** Its store still waited for the one before, or no dashboard had come: no failure of the system. */
const skip = ({ number }: Planned, iteration: number): void => {
  freshnessSkipped.add(1);
  console.log(ledgerLine(number, iteration, NOT_SENT));
};

/** A Poisson process: another order's time says nothing about the next one's. */
const atTimesOfChance = (startMs: number, endMs: number, act: (iteration: number) => void): void => {
  const random = randomFrom(seed);
  const gap = (): number => random.gap(SECOND_MS / probesPerSecond);
  const next = (iteration: number, dueMs: number): void => {
    if (dueMs >= endMs) return;
    setTimeout(
      () => {
        act(iteration);
        next(iteration + 1, dueMs + gap());
      },
      Math.max(1, dueMs - nowMs()),
    );
  };
  next(0, startMs + gap());
};

type OnCounts = (hour: string, orders: ReadonlyMap<string, number>) => void;

/** Tells the probe stores' counts of the hour with every frame; connects again when the server ends a connection. */
const followDashboard = (onCounts: OnCounts): { close(): void } => {
  const counts = openStoreCounts(probeStores);
  let askedMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let again: number | null = null;

  const connect = (): ReturnType<typeof openLive> =>
    openLive(liveUrl(baseUrl, mode), { onText, onOpen: counts.reconnected, onEnd });
  const onEnd = (): void => {
    if (isClosed) return;
    again = setTimeout(() => {
      socket = connect();
    }, RECONNECT_AFTER_MS);
  };
  const onText = (text: string): void => {
    const { shown, ask } = counts.take(text);
    if (ask && nowMs() - askedMs > RESYNC_EVERY_MS) {
      askedMs = nowMs();
      socket.send(RESYNC);
    }
    if (shown) onCounts(shown.hour, shown.orders);
  };
  let socket = connect();
  return {
    close: () => {
      isClosed = true;
      if (again !== null) clearTimeout(again);
      socket.close();
    },
  };
};
