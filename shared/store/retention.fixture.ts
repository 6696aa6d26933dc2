/** For the tests of retention: old orders, and the partitions that they were stored in. */
import { v7 as newOrderId } from "uuid";
import { someOrders } from "../../test/fresh.ts";
import type { Order } from "../domain/order.ts";
import { DAY_MS, iso } from "../domain/time.ts";
import { loadSettings } from "../runtime/config.ts";
import { untilFree } from "./partitions.ts";
import type { Pool } from "./pool.ts";
import { type Keeps, retain, retentionKnobs } from "./retention.ts";
import type { Outcome } from "./retention-rows.ts";

export const keeps: Keeps = loadSettings(retentionKnobs, {});
const open = new AbortController().signal;
export const retainNow = (pool: Pool, more: Partial<Keeps> = {}): Promise<Outcome[] | null> =>
  retain(pool, { ...keeps, ...more }, { signal: open });
export const dryRun = (pool: Pool): Promise<Outcome[] | null> =>
  retain(pool, keeps, { signal: open, dryRun: true });

/** Orders whose keys, acceptance and sale are that many days old. */
export const ordersOf = (daysAgo: number, count: number, seed = daysAgo): Order[] => {
  const then = Date.now() - daysAgo * DAY_MS;
  return someOrders(count, seed, () => iso(then)).map((order) => ({
    ...order,
    id: newOrderId({ msecs: then }),
    acceptedAtMs: then,
  }));
};

/** Creates the partitions of the weeks between these ages. */
export const makeWeeks = async (pool: Pool, fromDaysAgo: number, toDaysAgo: number): Promise<void> => {
  const text =
    "SELECT ensure_order_partitions(now() - make_interval(hours => $1), now() - make_interval(hours => $2))";
  await untilFree(() => pool.query(text, [fromDaysAgo * 24, toDaysAgo * 24]), open);
};

export const partitions = async (pool: Pool): Promise<string[]> => {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'orders'::regclass ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};

export const droppedUntil = async (pool: Pool): Promise<Record<string, number>> => {
  const { rows } = await pool.query<{ relation: string; until: Date }>("SELECT relation, until FROM dropped");
  return Object.fromEntries(rows.map(({ relation, until }) => [relation, until.getTime()]));
};
