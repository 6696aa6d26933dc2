/** One worker of v2 or v3 that counts what was filled in while it was held back. */
import type { Random } from "#shared/domain/random.ts";
import type { Pool } from "#shared/store/pool.ts";
import { totalsOf } from "../../system/database.ts";
import type { HttpProgram } from "../../system/programs.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Arena } from "./arena.ts";
import { audit, countedBy, countedPerSecond } from "./looks.ts";
import { centsOf, newOrders } from "./made-orders.ts";
import type { Transport } from "./transports.ts";

export type Draining = {
  readonly mode: string;
  readonly arena: Arena;
  readonly transport: Transport;
  readonly worker: HttpProgram;
  readonly random: Random;
};

/** Ten entries of v2; one send of v3, of which each of six partitions must stay under the broker's 1 MB. */
export const PIECE_ORDERS = 5_000;
const SETTLED_WITHIN_MS = 60_000;

/** Orders per second. The orders table is empty before, so that every drain fills the same indexes. */
export const drainedPerSecond = async (draining: Draining, orders: number): Promise<number> => {
  const { mode, arena, transport, worker, random } = draining;
  const { pool } = arena;
  const settled = (): Promise<void> =>
    waitUntil(`all of ${mode} is settled`, async () => (await transport.waiting()) === 0, SETTLED_WITHIN_MS);
  // what a void round has left
  await settled();
  await pool.query("TRUNCATE orders");
  const [before, counted] = [await totalsOf(pool, mode), await countedBy(worker, mode)];
  let cents = 0;
  await whileHeld(pool, async () => {
    for (const piece of newOrders(orders, PIECE_ORDERS, random)) {
      await transport.add(piece);
      cents += centsOf(piece);
    }
    await pool.query("CHECKPOINT");
  });
  const perSecond = await countedPerSecond(pool, mode, before.applied, orders);
  await settled();
  await audit({ pool, mode, worker }, { before, counted }, { orders, cents });
  return perSecond;
};

/**
 * Workers stand still at the table that every batch writes, and go on in the moment that `work` is done. A stopped
 * process would lose its place in Kafka's group after ten seconds, and one that starts would be measured joining it;
 * this one goes on with its heartbeats, warm. What it has in hand by then is a batch of v2 and one read ahead, or what
 * one fetch from Kafka brings: a little that need not be fetched while it is measured.
 */
const whileHeld = async (pool: Pool, work: () => Promise<void>): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    // readers, who publish the board, pass
    await client.query("LOCK TABLE applied IN SHARE MODE");
    await work();
  } finally {
    // the end of the session lets go, also when the work failed
    client.release(true);
  }
};
