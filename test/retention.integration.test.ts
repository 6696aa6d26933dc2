/** Retention in a running system: clients see the same figures, and a late redelivery is never counted twice. */
import { v7 as newOrderId } from "uuid";
import { afterAll, expect, test } from "vitest";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { modeNamed } from "#shared/modes/all.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { makeWeeks, ordersOf, retainNow } from "#shared/store/retention.fixture.ts";
import { numberOf } from "../dev/system/database.ts";
import { catalogue, freshName, silent, until, variablesOf } from "./fresh.ts";
import { countedAt, dashboardOf, getJson, LATTE, postOrder, untilDecided } from "./requests.ts";
import { startSystem } from "./system.ts";

const topic = freshName("orders");
const env = { V3_TOPIC: topic, V3_GROUP: topic };
const system = await startSystem({ env });
afterAll(system.close);

const untilCounted = (orders: number): Promise<void> =>
  until(`${orders} are on the board`, async () => {
    const counted = Object.values(await countedAt(system.url));
    return counted.reduce((sum, count) => sum + count, 0) === orders;
  });
const post = async (mode: string, daysAgo: number): Promise<void> => {
  const drink = catalogue.drinks[daysAgo % catalogue.drinks.length];
  const order = { ...LATTE, drink, timestamp: iso(Date.now() - daysAgo * DAY_MS) };
  const headers = { "idempotency-key": newOrderId() };
  const response = await untilDecided(() => postOrder(system.url, mode, order, headers));
  expect(response.ok, await response.text()).toBe(true);
};
/** Everything that clients see of thirty days. */
const shown = async (): Promise<unknown> => {
  const from = iso(Date.now() - 29 * DAY_MS);
  const { rows } = await getJson<{ rows: unknown[] }>(`${system.url}/api/sales?bucket=day&from=${from}`);
  const { current_hour, top5_drinks, recent_orders, hour_drinks, minutes } = await dashboardOf(system.url);
  return { current_hour, top5_drinks, recent_orders, hour_drinks, minutes, rows };
};
const openIntake = async (name: string) => {
  const mode = modeNamed(name);
  const settings = loadSettings(mode.knobs, { ...variablesOf(system), ...env }) as Record<string, unknown>;
  const intake = mode.openIntake(settings, silent);
  await until("its backend answers", async () => (await intake.backlog(1_000_000)) !== null);
  return intake;
};

test("the dashboard and the sales of thirty days do not change when older data is dropped", async () => {
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
  "%s redelivers dropped orders: they become dead letters and are not counted",
  async (mode) => {
    // resets what the tests before have dropped
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
    const intake = await openIntake(mode);
    try {
      await intake.accept(old);
      await until("they are counted", async () => (await total()) === before + 5);
      await retainNow(system.pool);
      expect(
        await numberOf(system.pool, "SELECT count(*) FROM orders WHERE order_id < $1", [old[4]?.id]),
      ).toBe(0);
      await intake.accept(old);
      await until("they are dead letters", async () => (await letters()) === 5);
      await until("none is pending", async () => (await intake.backlog(1_000_000)).orders === 0);
      expect(await total()).toBe(before + 5);
    } finally {
      await intake.close();
    }
    await post(mode, 0);
    await until("a new order is counted", async () => (await total()) === before + 6);
  },
);
