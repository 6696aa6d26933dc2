/** Load that moves every metric within a minute: orders in every mode, invalid ones, duplicates, and live dashboards. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { WebSocket } from "ws";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import catalogue from "../../services/order-api/catalogue.json" with { type: "json" };
import { startDemo } from "../demo.ts";
import { type Connections, openConnections } from "../system/client/connections.ts";
import { sendOrders } from "../system/client/orders.ts";

export type Traffic = { stop(): Promise<void> };

const ORDERS_PER_SECOND = 90;
const BAD_ORDERS_EVERY_MS = 1_000;
const RESYNC_EVERY_MS = 2_000;
const REPLY_WITHIN_MS = 5_000;
const LATTE = { drink: "latte", store: "uptown", cents: 450, timestamp: null };

/** An invalid order, a duplicate, and one key with two bodies. Replies do not matter: the check breaks the system meanwhile. */
const sendBadOrders = async (connections: Connections, modes: readonly string[]): Promise<void> => {
  for (const mode of modes) {
    const latte = { ...LATTE, id: newOrderId() };
    await sendOrders(connections, mode, [{ ...LATTE, id: newOrderId(), cents: 0 }]);
    for (const order of [latte, latte, { ...latte, cents: 500 }])
      await sendOrders(connections, mode, [order]);
  }
};

const follow = (url: string, protocols: readonly string[]): WebSocket => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`, [...protocols]);
  // the check stops and pauses the API meanwhile
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
  const connections = openConnections(url, REPLY_WITHIN_MS);
  const badOrders = (async () => {
    for (; !signal.aborted; await sleep(BAD_ORDERS_EVERY_MS)) await sendBadOrders(connections, modes);
  })();
  const plain = follow(url, []);
  const live = follow(url, [LIVE_PROTOCOL]);
  const resyncing = setInterval(() => {
    if (live.readyState === live.OPEN) live.send('{"type":"resync"}');
  }, RESYNC_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(resyncing);
      for (const socket of [plain, live]) socket.terminate();
      stopping.abort();
      await Promise.all([demo.done, badOrders]);
      await connections.close();
    },
  };
};
