/** Retention under the whole system: what clients see stays, and what comes late is never counted twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { modes } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { makeWeeks, ordersOf, retainNow } from "#shared/store/retention.fixture.ts";
import { numberOf } from "../dev/system/database.ts";
import { catalogue, freshName, silent, until } from "./fresh.ts";
import { type System, startSystem } from "./system.ts";

const topic = freshName("orders");
let system: System;
beforeAll(async () => {
  system = await startSystem({ env: { V3_TOPIC: topic, V3_GROUP: topic } });
});
afterAll(() => system.close());

const dashboard = async (): Promise<Dashboard> =>
  (await (await fetch(`${system.url}/api/dashboard`)).json()) as Dashboard;
const untilCounted = (orders: number): Promise<void> =>
  until(`${orders} are on the board`, async () => {
    const { modes: found } = await dashboard();
    return Object.values(found).reduce((sum, mode) => sum + mode.orders, 0) === orders;
  });
const post = async (mode: string, daysAgo: number): Promise<void> => {
  const drink = catalogue.drinks[daysAgo % catalogue.drinks.length];
  const timestamp = iso(Date.now() - daysAgo * DAY_MS);
  const key = newOrderId();
  const send = (): Promise<Response> =>
    fetch(`${system.url}/api/${mode}/order`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ drink, store: "uptown", price: 4.5, timestamp }),
    });
  let response = await send();
  // one that has just started on a busy machine may not take sixty at once
  for (; response.status === 503; response = await send()) await sleep(100);
  expect(response.ok, await response.text()).toBe(true);
};
const daily = async (): Promise<unknown> => {
  const from = iso(Date.now() - 29 * DAY_MS);
  const { rows } = (await (await fetch(`${system.url}/api/sales?bucket=day&from=${from}`)).json()) as {
    rows: unknown[];
  };
  return rows;
};
const shown = async (): Promise<unknown> => {
  const { current_hour, top5_drinks, recent_orders, hour_drinks, minutes } = await dashboard();
  return { current_hour, top5_drinks, recent_orders, hour_drinks, minutes, daily: await daily() };
};
const intakeOf = async (name: string) => {
  const mode = modes.find((each) => each.name === name);
  if (!mode) throw new Error(`there is no ${name}`);
  const env = {
    DATABASE_URL: system.databaseUrl,
    STREAM_REDIS_URL: system.stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V3_TOPIC: topic,
    V3_GROUP: topic,
  };
  const intake = mode.openIntake(loadSettings(mode.knobs, env) as Record<string, unknown>, silent);
  await until("its backend answers", () =>
    intake.backlog(1_000_000).then(
      () => true,
      () => false,
    ),
  );
  return intake;
};

test("the dashboard and the sales of thirty days are the same after everything older has gone", async () => {
  await makeWeeks(system.pool, 120, 85);
  for (const mode of ["v1", "v2", "v3"])
    await Promise.all(Array.from({ length: 60 }, (_, index) => post(mode, index)));
  await untilCounted(180);
  const before = await shown();
  const outcomes = await retainNow(system.pool, {
    ordersKeepDays: 38,
    minutesKeepDays: 1,
    hoursKeepDays: 31,
    daysKeepDays: 31,
  });
  const gone = outcomes?.map(({ relation }) => relation);
  expect(gone).toEqual(expect.arrayContaining(["rollup_minute", "rollup_hour", "rollup_day"]));
  expect(gone?.some((relation) => /^orders_\d/.test(relation))).toBe(true);
  expect(await shown()).toEqual(before);
});

test.each(["v2", "v3"])(
  "%s delivers dropped orders again: dead letters, and no rollup changes",
  async (mode) => {
    // as before the orders of other tests had gone
    await system.pool.query(
      `ALTER TABLE orders_default DROP CONSTRAINT IF EXISTS not_older_than_the_orders_kept;
     UPDATE retention SET orders_floor = '-infinity'`,
    );
    const total = (): Promise<number> => numberOf(system.pool, "SELECT sum(orders) FROM rollup_day");
    const letters = (): Promise<number> =>
      numberOf(
        system.pool,
        `SELECT count(*) FROM dead_letters WHERE source = '${mode}' AND reason = '23514'`,
      );
    await makeWeeks(system.pool, 120, 85);
    const before = await total();
    const old = ordersOf(110, 5);
    const intake = await intakeOf(mode);
    try {
      await intake.accept(old);
      await until("they are counted", async () => (await total()) === before + 5);
      await retainNow(system.pool);
      expect(
        await numberOf(system.pool, "SELECT count(*) FROM orders WHERE order_id < $1", [old[4]?.id]),
      ).toBe(0);
      await intake.accept(old);
      await until("they are set aside", async () => (await letters()) === 5);
      await until("nothing waits", async () => (await intake.backlog(1_000_000)).orders === 0);
      expect(await total()).toBe(before + 5);
    } finally {
      await intake.close();
    }
    await post(mode, 0);
    await until("a good order is counted", async () => (await total()) === before + 6);
  },
);
