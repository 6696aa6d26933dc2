/**
 * Freshness as users see it: orders at random times (Poisson), each awaited on a dashboard. One client sends and
 * watches, so there is one clock and one connection, and a late order delays no other.
 *
 * Two orders of one store cannot be distinguished on the dashboard, so a store has one pending order at a time: the k-th order
 * of the hour is visible when the store shows k. In ids and ledger an iteration is a planned order, the k-th of which is for
 * the k-th store in turn. One that could not be sent is logged as refused, so that the ledger has no hole.
 *
 * Times are milliseconds of one clock.
 */
import { outcomesOf, type Reply } from "../../../shared/client/outcome.ts";
import { randomFrom } from "../../../shared/domain/random.ts";
import { orderId } from "./ids.ts";
import { type Counter, freshnessLine, ledgerLine, NOT_SENT, type Settle } from "./ledger.ts";
import { type Live, liveUrl, type OpenLive, openStoreCounts, RESYNC } from "./live.ts";
import { probeBody } from "./orders.ts";
import { type Planned, VISIBLE_WITHIN_MS } from "./plan.ts";
import type { Settings } from "./settings.ts";

export type Probes = {
  /** True when the order may be sent now; its store is then busy. False before the first dashboard. */
  begin(store: string, atMs: number): boolean;
  /** The order was not accepted: the store is free. */
  refused(store: string): void;
  /** It may be accepted or not, so the store's count proves nothing until its time is over. */
  unknown(store: string): void;
  /** The counts of an hour; a store that is missing has sold nothing. Returns the orders that became visible. */
  shown(hour: string, orders: ReadonlyMap<string, number>, atMs: number): { readonly freshnessMs: number }[];
  /** Orders whose time is over are missed, each once; their stores stay busy. Returns how many. */
  missed(atMs: number): number;
  /** Orders that may still be seen in time. */
  pending(): number;
};

type Pending = {
  readonly sentMs: number;
  /** The store's count that shows it. */
  readonly target: number;
  state: "pending" | "missed" | "unknown";
};

export const openProbes = (visibleWithinMs: number): Probes => {
  const byStore = new Map<string, Pending>();
  let counts: ReadonlyMap<string, number> | null = null;
  let hourShown = "";

  return {
    begin: (store, atMs) => {
      if (counts === null || byStore.has(store)) return false;
      byStore.set(store, { sentMs: atMs, target: (counts.get(store) ?? 0) + 1, state: "pending" });
      return true;
    },
    refused: (store) => {
      byStore.delete(store);
    },
    unknown: (store) => {
      const order = byStore.get(store);
      if (order) order.state = "unknown";
    },
    shown: (hour, orders, atMs) => {
      // counts restart with the hour, and a pending order may count in either hour
      if (hour !== hourShown) for (const order of byStore.values()) order.state = "unknown";
      [hourShown, counts] = [hour, orders];
      const seen: { freshnessMs: number }[] = [];
      for (const [store, { target, sentMs, state }] of byStore) {
        if (state === "unknown" || (orders.get(store) ?? 0) < target) continue;
        if (state === "pending") seen.push({ freshnessMs: atMs - sentMs });
        byStore.delete(store);
      }
      return seen;
    },
    missed: (atMs) => {
      let count = 0;
      for (const [store, order] of byStore) {
        if (atMs - order.sentMs < visibleWithinMs) continue;
        if (order.state === "pending") count++;
        if (order.state === "unknown") byStore.delete(store);
        else order.state = "missed";
      }
      return count;
    },
    pending: () => [...byStore.values()].filter(({ state }) => state === "pending").length,
  };
};

/** What a generator provides. */
export type ProbeWorld = {
  readonly settings: Settings;
  /** The drink of each probe order; any drink of the catalogue. */
  readonly drink: string;
  readonly figures: Readonly<
    Record<"orderFreshness" | "freshnessMissed" | "freshnessSkipped" | "probesPlanned", Counter>
  >;
  readonly settle: Settle;
  readonly open: OpenLive;
  /** Milliseconds since the run began. */
  nowMs(): number;
  after(ms: number, act: () => void): void;
  post(path: string, body: string, key: string): Promise<Reply>;
  log(line: string): void;
};

const SECOND_MS = 1_000;
const RECONNECT_AFTER_MS = 500;
const CHECK_EVERY_MS = 100;
/** The server answers a resync at most this often. */
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
    const outcomes = outcomesOf(reply, 1);
    if (outcomes.failure?.outcome === "refused") probes.refused(store);
    if (outcomes.failure?.outcome === "unknown") probes.unknown(store);
    settle(planned, iteration, 1, outcomes);
  };

  atRandomTimes(world, startMs, endMs, (iteration) => {
    const store = probeStores[iteration % probeStores.length] ?? "";
    figures.probesPlanned.add(1);
    if (probes.begin(store, nowMs())) void send(iteration, store);
    else skip(world, planned, iteration);
  });
  return new Promise((resolve) => {
    const check = (): void => {
      const missed = probes.missed(nowMs());
      if (missed > 0) figures.freshnessMissed.add(missed);
      if (nowMs() < endMs || replies > 0 || probes.pending() > 0) {
        world.after(CHECK_EVERY_MS, check);
        return;
      }
      dashboard.close();
      resolve();
    };
    check();
  });
};

/** The store was busy with the previous order, or there was no dashboard yet: not a failure of the system. */
const skip = ({ figures, log }: ProbeWorld, { number }: Planned, iteration: number): void => {
  figures.freshnessSkipped.add(1);
  log(ledgerLine(number, iteration, NOT_SENT));
};

/** A Poisson process: the time of an order is independent of the previous one. */
const atRandomTimes = (
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

/** Reports the probe stores' counts of the hour with every frame; reconnects when the server ends a connection. */
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
