/** Sends one order by each mode and follows them: by what the page is sent, and by asking where that is not enough. */
import type { Setup } from "../../../shared/wire/setup.ts";
import { type Api, isUnconfirmed, messageOf } from "./api.ts";
import {
  acknowledged,
  counted,
  doubted,
  GIVE_UP_MS,
  givenUp,
  isOver,
  type Journey,
  refused,
  sent,
  shown,
} from "./journey.ts";
import { madeUpOrder } from "./made-up.ts";
import { orderIdOf } from "./order-id.ts";

export type Flights = {
  /** `serverMs` is the server's time: an order's key has a time in it, and the page's clock may be wrong. */
  launch(setup: Setup, serverMs: number): void;
  /** These orders have been sent to this page just now. */
  hear(orders: readonly { readonly id: string }[]): void;
  journeys(): ReadonlyMap<string, Journey>;
  isRunning(): boolean;
};

/** With so many orders coming, it may have passed the fifty that the server shows; then the server is asked. */
const ASK_AFTER_MS = 3_000;
const ASK_EVERY_MS = 1_000;
const RANDOM_BYTES = 10;

export const openFlights = (api: Api, onMove: () => void): Flights => {
  let journeys = new Map<string, Journey>();

  const isRunning = (): boolean => [...journeys.values()].some((journey) => !isOver(journey));
  /** Only while this very order is the one by its mode. */
  const move = (mode: string, id: string, step: (journey: Journey) => Journey): void => {
    const journey = journeys.get(mode);
    if (journey?.id === id) journeys.set(mode, step(journey));
    onMove();
  };
  const watch = async (mode: string, id: string, sentMs: number): Promise<void> => {
    const isAway = (): boolean => {
      const journey = journeys.get(mode);
      return journey?.id === id && !isOver(journey);
    };
    await pause(ASK_AFTER_MS);
    for (; isAway(); await pause(ASK_EVERY_MS)) {
      if (await isCounted(api, id)) move(mode, id, (journey) => counted(journey, performance.now()));
      else if (performance.now() - sentMs > GIVE_UP_MS) move(mode, id, givenUp);
    }
  };
  const send = async (mode: string, order: object, id: string): Promise<void> => {
    const path = `api/${mode}/order`;
    const sentMs = performance.now();
    journeys.set(mode, sent(id, sentMs));
    void watch(mode, id, sentMs);
    try {
      const { status } = await api.post<{ status: string }>(path, order, { "idempotency-key": id });
      const repliedMs = replyCameMs(new URL(path, api.url).href, sentMs);
      move(mode, id, (journey) => acknowledged(journey, status, repliedMs));
    } catch (error) {
      const step = isUnconfirmed(error) ? doubted : refused;
      move(mode, id, (journey) => step(journey, messageOf(error)));
    }
  };
  return {
    launch: (setup, serverMs) => {
      journeys = new Map();
      // a load may have filled what the browser keeps of requests
      performance.clearResourceTimings();
      const order = madeUpOrder(setup, Math.random);
      for (const { name } of setup.modes)
        void send(name, order, orderIdOf(serverMs, crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))));
      onMove();
    },
    hear: (orders) => {
      const nowMs = performance.now();
      for (const [mode, journey] of journeys)
        if (journey.shownMs === null && orders.some(({ id }) => id === journey.id))
          journeys.set(mode, shown(journey, nowMs));
    },
    journeys: () => journeys,
    isRunning,
  };
};

/** When the reply was there: the browser's network notes it, while a busy page hears of it later. */
const replyCameMs = (url: string, sentMs: number): number => {
  const entry = performance.getEntriesByName(url, "resource").at(-1);
  if (!(entry instanceof PerformanceResourceTiming) || entry.startTime < sentMs) return performance.now();
  return entry.responseEnd > 0 ? entry.responseEnd : performance.now();
};

/** Asked again until it is visible, or the server can be reached. */
const isCounted = async (api: Api, id: string): Promise<boolean> => {
  try {
    return (await api.get<{ status: string }>(`api/orders/${id}`)).status === "counted";
  } catch {
    // not visible yet, or not reached: the next time
    return false;
  }
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
