/** The same orders give the same figures, to the cent, in every mode. */
import { v7 as newOrderId } from "uuid";
import { afterAll, expect, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { OrderRequest } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { modes as allModes, modeNamed } from "#shared/modes/all.ts";
import { catalogue, until } from "./fresh.ts";
import { dashboardOf, getJson, LATTE, postJson, postOrder, untilDecided } from "./requests.ts";
import { startSystem } from "./system.ts";

const ORDERS = 1_000;
const modes = allModes.map(({ name }) => name);

const system = await startSystem();
afterAll(system.close);

/** Orders of the last hours and days, by one clock, so that every mode has the same ones. */
const seededOrders = (nowMs: number): OrderRequest[] => {
  const random = randomFrom(42);
  return Array.from({ length: ORDERS }, () => ({
    drink: random.pick(catalogue.drinks),
    store: random.pick(catalogue.stores),
    price: (150 + Math.floor(random.next() * 600)) / 100,
    timestamp: new Date(nowMs - Math.floor(random.next() ** 3 * 20 * 86_400_000)).toISOString(),
  }));
};

const send = async (mode: string, orders: readonly OrderRequest[]): Promise<number[]> => {
  const statuses: number[] = [];
  const pending = [...orders];
  const client = async (): Promise<void> => {
    for (let order = pending.pop(); order; order = pending.pop()) {
      const headers = { "idempotency-key": newOrderId() };
      const response = await untilDecided(() => postOrder(system.url, mode, order, headers));
      await response.arrayBuffer();
      statuses.push(response.status);
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  return statuses;
};

const WRONG = [{ ...LATTE, drink: "soup" }, { drink: "latte" }, { ...LATTE, price: -1 }];
const BATCH = 60;
const NDJSON = { "content-type": "application/x-ndjson" };

/** Alternately as JSON and as NDJSON, each batch twice under the same ids, with invalid orders among the valid ones. */
const sendBatches = async (mode: string, orders: readonly OrderRequest[]): Promise<unknown[]> => {
  const rejections: unknown[] = [];
  for (let start = 0; start < orders.length; start += BATCH) {
    const valid = orders.slice(start, start + BATCH).map((order) => ({ id: newOrderId(), ...order }));
    const batch = [...valid.slice(0, 20), ...WRONG, ...valid.slice(20)];
    const [body, headers] =
      (start / BATCH) % 2 === 1
        ? [batch.map((order) => JSON.stringify(order)).join("\n"), NDJSON]
        : [batch, undefined];
    for (const _ of ["first", "again"]) {
      const response = await untilDecided(() => postJson(`${system.url}/api/${mode}/orders`, body, headers));
      const { ids, rejected } = (await response.json()) as { ids: string[]; rejected: unknown };
      expect(ids).toEqual(valid.map(({ id }) => id));
      rejections.push(rejected);
    }
  }
  return rejections;
};

const sales = async (mode: string, bucket: string): Promise<object[]> => {
  const from = new Date(Date.now() - 25 * 86_400_000).toISOString();
  const query = `from=${from}&bucket=${bucket}&mode=${mode}&limit=2000`;
  const { rows } = await getJson<{ rows: { mode: string }[] }>(`${system.url}/api/sales?${query}`);
  return rows.map(({ mode: _, ...row }) => row);
};

const dashboard = (mode: string): Promise<Dashboard> => dashboardOf(system.url, `?mode=${mode}`);

test("a thousand seeded orders, single and in batches, give identical metrics in every mode", async () => {
  const orders = seededOrders(Date.now());
  const rejections: unknown[][] = [];
  for (const mode of modes) {
    const statuses = await send(mode, orders.slice(0, ORDERS / 2));
    expect(new Set(statuses)).toEqual(new Set([modeNamed(mode).accepts === "stored" ? 201 : 202]));
    rejections.push(await sendBatches(mode, orders.slice(ORDERS / 2)));
  }
  for (const rejected of rejections) expect(rejected).toEqual(rejections[0]);
  for (const mode of modes)
    await until(
      `${mode} is on the board`,
      async () => (await dashboard(mode)).modes[mode]?.orders === ORDERS,
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
});

test("the dashboard of all modes has their sums", async () => {
  const all = await dashboard("all");
  const v1 = await dashboard("v1");
  expect(all.current_hour?.order_count).toBe(modes.length * (v1.current_hour?.order_count ?? 0));
  expect(all.minutes.map((minute) => minute.orders)).toEqual(
    v1.minutes.map((minute) => modes.length * minute.orders),
  );
});
