/** The modes are equal in everything but the transport: the same orders give the same figures, to the cent. */

import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { OrderRequest } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { modes as allModes, modeNamed } from "#shared/modes/all.ts";
import { catalogue, until } from "./fresh.ts";
import { type System, startSystem } from "./system.ts";

const ORDERS = 1_000;
const modes = allModes.map(({ name }) => name);

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.close());

/** Orders of the last hours and days; all of them for one clock, so that every mode sees the same. */
const seededOrders = (nowMs: number): OrderRequest[] => {
  const random = randomFrom(42);
  return Array.from({ length: ORDERS }, () => ({
    drink: random.pick(catalogue.drinks),
    store: random.pick(catalogue.stores),
    price: (150 + Math.floor(random.next() * 600)) / 100,
    timestamp: new Date(nowMs - Math.floor(random.next() ** 3 * 20 * 86_400_000)).toISOString(),
  }));
};

/** A busy machine may have to refuse; whoever is refused comes again. */
const post = async (path: string, body: string, more: Record<string, string> = {}): Promise<Response> => {
  const headers = { "content-type": "application/json", ...more };
  for (;;) {
    const response = await fetch(`${system.url}${path}`, { method: "POST", headers, body });
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await sleep(1_000 * Number(response.headers.get("retry-after")));
  }
};

const send = async (mode: string, orders: readonly OrderRequest[]): Promise<number[]> => {
  const statuses: number[] = [];
  const waiting = [...orders];
  const client = async (): Promise<void> => {
    for (let order = waiting.pop(); order; order = waiting.pop()) {
      const response = await post(`/api/${mode}/order`, JSON.stringify(order), {
        "idempotency-key": newOrderId(),
      });
      await response.arrayBuffer();
      statuses.push(response.status);
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  return statuses;
};

const WRONG = [{ drink: "soup", store: "uptown", price: 4 }, { drink: "latte" }, { ...catalogue, price: -1 }];
const MOST_TOGETHER = 60;
const LINES = { "content-type": "application/x-ndjson" };

/** In batches as JSON and as NDJSON in turn, each sent twice under the same ids, with wrong orders among the good. */
const sendBatches = async (mode: string, orders: readonly OrderRequest[]): Promise<unknown[]> => {
  const told: unknown[] = [];
  for (let start = 0; start < orders.length; start += MOST_TOGETHER) {
    const good = orders.slice(start, start + MOST_TOGETHER).map((order) => ({ id: newOrderId(), ...order }));
    const batch = [...good.slice(0, 20), ...WRONG, ...good.slice(20)];
    const isLines = (start / MOST_TOGETHER) % 2 === 1;
    for (const _ of ["first", "again"]) {
      const path = `/api/${mode}/orders`;
      const response = isLines
        ? await post(path, batch.map((order) => JSON.stringify(order)).join("\n"), LINES)
        : await post(path, JSON.stringify(batch));
      const { ids, rejected } = (await response.json()) as { ids: string[]; rejected: unknown };
      expect(ids).toEqual(good.map(({ id }) => id));
      told.push(rejected);
    }
  }
  return told;
};

const sales = async (mode: string, bucket: string): Promise<object[]> => {
  const from = new Date(Date.now() - 25 * 86_400_000).toISOString();
  const response = await fetch(
    `${system.url}/api/sales?from=${from}&bucket=${bucket}&mode=${mode}&limit=2000`,
  );
  const { rows } = (await response.json()) as { rows: { mode: string }[] };
  return rows.map(({ mode: _, ...row }) => row);
};

const dashboard = async (mode: string): Promise<Dashboard> =>
  (await (await fetch(`${system.url}/api/dashboard?mode=${mode}`)).json()) as Dashboard;

test("a thousand seeded orders, single and in batches, give identical metrics in every mode", async () => {
  const orders = seededOrders(Date.now());
  const told: unknown[][] = [];
  for (const mode of modes) {
    const statuses = await send(mode, orders.slice(0, ORDERS / 2));
    expect(new Set(statuses)).toEqual(new Set([modeNamed(mode).accepts === "stored" ? 201 : 202]));
    told.push(await sendBatches(mode, orders.slice(ORDERS / 2)));
  }
  for (const rejected of told) expect(rejected).toEqual(told[0]);
  for (const mode of modes)
    await until(
      `${mode} is on the board`,
      async () => (await dashboard(mode)).modes[mode]?.orders === ORDERS,
      40_000,
    );
  await until("the stores are ranked", async () => {
    const boards = await Promise.all(modes.map(dashboard));
    return boards.every(
      (board) =>
        board.hour_stores.reduce((sum, store) => sum + store.orders, 0) ===
        (board.current_hour?.order_count ?? 0),
    );
  });
  for (const bucket of ["minute", "hour", "day"]) {
    const first = await sales("v1", bucket);
    expect(first.length).toBeGreaterThan(0);
    for (const mode of modes.slice(1)) expect(await sales(mode, bucket)).toEqual(first);
  }
  const [v1, ...others] = await Promise.all(modes.map(dashboard));
  const figures = (board: Dashboard | undefined) => ({
    hour: board?.current_hour,
    top: board?.top5_drinks,
    drinks: board?.hour_drinks,
    stores: board?.hour_stores,
    minutes: board?.minutes,
  });
  expect(figures(v1).hour?.order_count).toBeGreaterThan(0);
  for (const other of others) expect(figures(other)).toEqual(figures(v1));
}, 120_000);

test("sums all modes", async () => {
  const all = await dashboard("all");
  const v1 = await dashboard("v1");
  expect(all.current_hour?.order_count).toBe(modes.length * (v1.current_hour?.order_count ?? 0));
  expect(all.minutes.map((minute) => minute.orders)).toEqual(
    v1.minutes.map((minute) => modes.length * minute.orders),
  );
});
