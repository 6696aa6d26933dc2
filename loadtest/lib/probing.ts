/**
 * Freshness where users are: orders at times of chance (Poisson), each awaited on a dashboard. One client sends and
 * watches, so there is one clock and one connection, and a late order delays no other.
 *
 * In ids and ledger an iteration is a planned order, the k-th of which is for the k-th store, round and round; what could
 * not be sent is logged as refused, so that the ledger has no hole.
 */
import { outcomesOf, type Reply } from "../../shared/client/outcome.ts";
import { randomFrom } from "../../shared/domain/random.ts";
import { orderId } from "./ids.ts";
import { ledgerLine, NOT_SENT } from "./ledger.ts";
import { type Live, type LiveHandlers, liveUrl, RESYNC } from "./live.ts";
import { probeBody } from "./orders.ts";
import { openProbes } from "./probes.ts";
import { freshnessLine } from "./sample-lines.ts";
import { type Planned, VISIBLE_WITHIN_MS } from "./scenarios.ts";
import type { Settings } from "./settings.ts";
import type { Counter, Settle } from "./settle.ts";
import { openStoreCounts } from "./store-counts.ts";

/** What a generator lends it. */
export type ProbeWorld = {
  readonly settings: Settings;
  /** Of any store: what is ordered. */
  readonly drink: string;
  readonly figures: Readonly<
    Record<"orderFreshness" | "freshnessMissed" | "freshnessSkipped" | "probesPlanned", Counter>
  >;
  readonly settle: Settle;
  /** Milliseconds since the run began. */
  nowMs(): number;
  after(ms: number, act: () => void): void;
  post(path: string, body: string, key: string): Promise<Reply>;
  open(url: string, handlers: LiveHandlers): Live;
  log(line: string): void;
};

const SECOND_MS = 1_000;
const RECONNECT_AFTER_MS = 500;
const CHECK_EVERY_MS = 100;
/** As long as the server bounds it. */
const RESYNC_EVERY_MS = 1_000;

/** Resolves when every order was shown or missed. */
export const sendProbes = (world: ProbeWorld, planned: Planned, startMs: number): Promise<void> => {
  const { settings, figures, settle, nowMs } = world;
  const { mode, run, runStartMs, probeStores, hasSamples } = settings;
  const probes = openProbes(VISIBLE_WITHIN_MS);
  const endMs = startMs + planned.durationMs;
  const dashboard = followDashboard(world, (hour, orders) => {
    const atMs = nowMs();
    for (const { freshnessMs } of probes.shown(hour, orders, atMs)) {
      figures.orderFreshness.add(freshnessMs);
      if (hasSamples) world.log(freshnessLine({ atMs: Date.now(), freshnessMs }));
    }
  });
  let replies = 0;

  const send = async (iteration: number, store: string): Promise<void> => {
    replies++;
    const key = orderId(run, planned.number, iteration, 0, runStartMs);
    const reply = await world.post(`/api/${mode}/order`, probeBody(world.drink, store), key);
    replies--;
    const account = outcomesOf(reply, 1);
    if (account.failure?.outcome === "refused") probes.refused(store);
    if (account.failure?.outcome === "unknown") probes.unknown(store);
    settle(planned, iteration, 1, account);
  };

  atTimesOfChance(world, startMs, endMs, (iteration) => {
    const store = probeStores[iteration % probeStores.length] ?? "";
    figures.probesPlanned.add(1);
    if (probes.begin(store, nowMs())) void send(iteration, store);
    else skip(world, planned, iteration);
  });
  return new Promise((resolve) => {
    const check = (): void => {
      const missed = probes.missed(nowMs());
      if (missed > 0) figures.freshnessMissed.add(missed);
      if (nowMs() < endMs || replies > 0 || probes.underWay() > 0) {
        world.after(CHECK_EVERY_MS, check);
        return;
      }
      dashboard.close();
      resolve();
    };
    check();
  });
};

/** Its store still waited for the one before, or no dashboard had come: no failure of the system. */
const skip = ({ figures, log }: ProbeWorld, { number }: Planned, iteration: number): void => {
  figures.freshnessSkipped.add(1);
  log(ledgerLine(number, iteration, NOT_SENT));
};

/** A Poisson process: another order's time says nothing about the next one's. */
const atTimesOfChance = (
  { settings, nowMs, after }: ProbeWorld,
  startMs: number,
  endMs: number,
  act: (iteration: number) => void,
): void => {
  const random = randomFrom(settings.seed);
  const gap = (): number => random.gap(SECOND_MS / settings.probesPerSecond);
  const next = (iteration: number, dueMs: number): void => {
    if (dueMs >= endMs) return;
    after(Math.max(1, dueMs - nowMs()), () => {
      act(iteration);
      next(iteration + 1, dueMs + gap());
    });
  };
  next(0, startMs + gap());
};

type OnCounts = (hour: string, orders: ReadonlyMap<string, number>) => void;

/** Tells the probe stores' counts of the hour with every frame; connects again when the server ends a connection. */
const followDashboard = (world: ProbeWorld, onCounts: OnCounts): { close(): void } => {
  const { settings, nowMs } = world;
  const counts = openStoreCounts(settings.probeStores);
  let askedMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  const connect = (): Live =>
    world.open(liveUrl(settings.baseUrl, settings.mode), { onText, onOpen: counts.reconnected, onEnd });
  const onEnd = (): void => {
    if (isClosed) return;
    world.after(RECONNECT_AFTER_MS, () => {
      if (!isClosed) socket = connect();
    });
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
      socket.close();
    },
  };
};
