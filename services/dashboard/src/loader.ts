/** Sends a small load by every mode at once: an open loop of batches, bounded as load.ts says. */
import type { Setup } from "../../../shared/wire/setup.ts";
import { type Api, isUnconfirmed, messageOf, Refused } from "./api.ts";
import {
  type Answer,
  answered,
  due,
  isLoadOver,
  LOAD_EVERY_MS,
  LOAD_SECONDS,
  type Load,
  startLoad,
} from "./load.ts";
import { madeUpOrder } from "./made-up.ts";

export type Loader = {
  start(setup: Setup, perSecond: number): void;
  stop(): void;
  isRunning(): boolean;
  /** Of the time that it lasts, from 0 to 1. */
  progress(): number;
  loads(): ReadonlyMap<string, Load>;
};

type Batch = { readonly ids: readonly string[]; readonly rejected: readonly unknown[] };

/** Where the server does not say: as it would. */
const RETRY_AFTER_MS = 1_000;

export const openLoader = (api: Api, onMove: () => void): Loader => {
  const loads = new Map<string, Load>();
  const inFlight = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let startedMs = 0;

  const send = async (mode: string, orders: readonly object[], of: Load): Promise<void> => {
    inFlight.set(mode, (inFlight.get(mode) ?? 0) + 1);
    const answer = await answerTo(api, mode, orders);
    inFlight.set(mode, (inFlight.get(mode) ?? 1) - 1);
    const load = loads.get(mode);
    // the answer to a load that was started anew meanwhile is not this one's
    if (load?.startedMs === of.startedMs) loads.set(mode, answered(load, answer, performance.now()));
    onMove();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    onMove();
  };
  const tick = (setup: Setup): void => {
    const now = performance.now();
    for (const [mode, load] of loads) {
      const next = due(load, now, inFlight.get(mode) ?? 0);
      loads.set(mode, next.load);
      const orders = Array.from({ length: next.orders }, () => madeUpOrder(setup, Math.random));
      if (orders.length > 0) void send(mode, orders, load);
    }
    if ([...loads.values()].every((load) => isLoadOver(load, now))) stop();
    onMove();
  };
  return {
    start: (setup, perSecond) => {
      loads.clear();
      startedMs = performance.now();
      for (const { name } of setup.modes) loads.set(name, startLoad(perSecond, startedMs));
      timer = setInterval(() => tick(setup), LOAD_EVERY_MS);
      onMove();
    },
    stop,
    isRunning: () => timer !== undefined,
    progress: () => Math.min(1, (performance.now() - startedMs) / (LOAD_SECONDS * 1_000)),
    loads: () => loads,
  };
};

const answerTo = async (api: Api, mode: string, orders: readonly object[]): Promise<Answer> => {
  try {
    const { ids, rejected } = await api.post<Batch>(`api/${mode}/orders`, orders);
    return { accepted: ids.length, refused: rejected.length };
  } catch (error) {
    const retryAfterMs = (error instanceof Refused && error.retryAfterMs) || RETRY_AFTER_MS;
    const [refused, unsure] = isUnconfirmed(error) ? [0, orders.length] : [orders.length, 0];
    return { refused, unsure, reason: messageOf(error), retryAfterMs };
  }
};
