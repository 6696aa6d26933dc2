/** Everything that a busy day has, in a minute: orders in every mode, mistakes, repetitions, dashboards that follow. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { WebSocket } from "ws";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { LIVE_PROTOCOL } from "#shared/wire/live.ts";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import { startDemo } from "../demo.ts";

export type Traffic = { stop(): Promise<void> };

const ORDERS_PER_SECOND = 90;
const ODDITIES_EVERY_MS = 1_000;
const RESYNC_EVERY_MS = 2_000;
const LATTE = { drink: "latte", store: "uptown", price: 4.5 };

const post = async (url: string, mode: string, order: object, key?: string): Promise<void> => {
  try {
    const response = await fetch(`${url}/api/${mode}/order`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key && { "idempotency-key": key }) },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
  } catch {
    // what is refused or lost is no matter here: the system is being broken meanwhile
  }
};

/** A mistake, the same order twice, and one key with two bodies. */
const sendOddities = async (url: string, modes: readonly string[]): Promise<void> => {
  for (const mode of modes) {
    const key = newOrderId();
    await post(url, mode, { ...LATTE, price: 0 });
    await post(url, mode, LATTE, key);
    await post(url, mode, LATTE, key);
    await post(url, mode, { ...LATTE, price: 5 }, key);
  }
};

const follow = (url: string, protocols: readonly string[]): WebSocket => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`, [...protocols]);
  // the API is stopped and paused meanwhile
  socket.on("error", () => undefined);
  return socket;
};

export const startTraffic = (url: string, modes: readonly string[]): Traffic => {
  const stopping = new AbortController();
  const { signal } = stopping;
  const demo = startDemo({
    url,
    modes,
    catalogue: catalogueFrom(catalogue),
    ordersPerSecond: ORDERS_PER_SECOND,
    seed: 7,
    signal,
  });
  const oddities = (async () => {
    for (; !signal.aborted; await sleep(ODDITIES_EVERY_MS)) await sendOddities(url, modes);
  })();
  const whole = follow(url, []);
  const live = follow(url, [LIVE_PROTOCOL]);
  const resyncing = setInterval(() => {
    if (live.readyState === live.OPEN) live.send('{"type":"resync"}');
  }, RESYNC_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(resyncing);
      for (const socket of [whole, live]) socket.terminate();
      stopping.abort();
      await Promise.all([demo.done, oddities]);
    },
  };
};
