/** What a mode has counted, by looks at the database: how fast, and whether it is right. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "#shared/store/pool.ts";
import { totalsProblems } from "../../system/audit.ts";
import { numberOf, type Tally, type Totals, totalsOf } from "../../system/database.ts";
import { type HttpProgram, metricOf } from "../../system/programs.ts";
import { waitUntil } from "../../system/wait.ts";

/** A batch of 2 000 orders takes about 50 ms; looks without a pause would take time from what they look at. */
const LOOK_EVERY_MS = 20;
/** Thirty times what it takes on a quiet machine. */
const COUNTED_WITHIN_MS = 180_000;
/** From a commit to the worker's own figure of it. */
const TOLD_WITHIN_MS = 10_000;

type Look = { readonly orders: number; readonly atMs: number };

const look = async (pool: Pool, mode: string): Promise<Look> => {
  const orders = await numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM applied WHERE source = $1", [
    mode,
  ]);
  return { orders, atMs: performance.now() };
};

const lookUntil = async (pool: Pool, mode: string, orders: number): Promise<Look> => {
  const deadline = performance.now() + COUNTED_WITHIN_MS;
  for (let seen = await look(pool, mode); ; seen = await look(pool, mode)) {
    if (seen.orders >= orders) return seen;
    if (seen.atMs > deadline)
      throw new Error(`${mode} counted ${seen.orders} of ${orders} within ${COUNTED_WITHIN_MS / 1_000} s`);
    await sleep(LOOK_EVERY_MS);
  }
};

/**
 * Orders per second from the first look that finds some of `orders` counted to the first that finds all, of the orders
 * counted between the two: that leaves out the start, and both looks are late alike. `from` were counted before.
 */
export const countedPerSecond = async (
  pool: Pool,
  mode: string,
  from: number,
  orders: number,
): Promise<number> => {
  const first = await lookUntil(pool, mode, from + 1);
  const last = await lookUntil(pool, mode, from + orders);
  if (first.orders === last.orders) throw new Error(`${mode} counted all ${orders} orders between two looks`);
  return ((last.orders - first.orders) / (last.atMs - first.atMs)) * 1_000;
};

/** Throws unless exactly the orders wanted came since `before`, each once and to the cent, all by this worker. */
export const audit = async (
  { pool, mode, worker }: { pool: Pool; mode: string; worker: HttpProgram },
  { before, counted }: { before: Totals | null; counted: number },
  wanted: Tally,
): Promise<void> => {
  // one that ended and was started again begins at 0
  const itself = counted + wanted.orders;
  await waitUntil(
    `the ${mode} worker says that it counted ${wanted.orders} orders itself`,
    async () => (await countedBy(worker, mode)) === itself,
    TOLD_WITHIN_MS,
  );
  const wrong = totalsProblems(before, await totalsOf(pool, mode), wanted);
  if (wrong.length > 0) throw new Error(`${mode}: ${wrong.join("; ")}`);
};

/** Orders that this process has counted. */
export const countedBy = (worker: HttpProgram, mode: string): Promise<number> =>
  metricOf(worker.url, `coffee_orders_counted_total{mode="${mode}"}`);
