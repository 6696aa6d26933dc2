/** Sales of the last days and of this hour, so that a picture shows a shop that has been open for a while. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Catalogue } from "#shared/domain/catalogue.ts";
import { demandAt, openCustomers } from "#shared/domain/demand.ts";
import type { OrderRequest } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { DAY_MS, HOUR_MS, iso } from "#shared/domain/time.ts";

const SALES_PER_HOUR = 9;
const SALES_OF_LAST_HOUR = 17_000;
const WAVES = 3.5;
const BATCH = 1_000;
const AGAIN_AFTER_MS = 300;
const MOST_ATTEMPTS = 100;

export const sellThePast = async (
  url: string,
  modes: readonly string[],
  catalogue: Catalogue,
  nowMs: number,
  days: number,
): Promise<void> => {
  const customers = openCustomers(7, catalogue);
  const random = randomFrom(8);
  const orders: OrderRequest[] = [];
  const sell = (atMs: number): void => {
    orders.push(...customers.nextSale(atMs).map((order) => ({ ...order, timestamp: iso(atMs) })));
  };
  for (let hourMs = nowMs - days * DAY_MS; hourMs < nowMs - HOUR_MS; hourMs += HOUR_MS) {
    const sales = Math.round(SALES_PER_HOUR * demandAt(hourMs));
    for (let sale = 0; sale < sales; sale++) sell(hourMs + random.next() * HOUR_MS);
  }
  // as busy as what comes now, with a little life in it
  for (let sale = 0; sale < SALES_OF_LAST_HOUR; sale++) {
    const at = random.next();
    if (random.next() < 0.8 + 0.2 * Math.sin(at * WAVES * 2 * Math.PI)) sell(nowMs - at * HOUR_MS);
  }
  for (let from = 0, batch = 0; from < orders.length; from += BATCH, batch++)
    await send(`${url}/api/${modes[batch % modes.length]}/orders`, orders.slice(from, from + BATCH));
};

/** A server that is full says so and is asked again: the past has time. */
const send = async (url: string, orders: readonly OrderRequest[]): Promise<void> => {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(orders),
    });
    await response.arrayBuffer();
    if (response.ok) return;
    if (response.status !== 503) throw new Error(`${url} answered ${response.status}`);
    await sleep(AGAIN_AFTER_MS);
  }
  throw new Error(`${url} took nothing for too long`);
};
