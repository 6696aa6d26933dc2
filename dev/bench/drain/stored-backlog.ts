/** A backlog of v1: stored once, counted in every round. */
import type { Pool } from "#shared/store/pool.ts";
import { ROLLUPS } from "#shared/store/reconcile.ts";
import { numberOf, type Tally } from "../../system/database.ts";
import type { Ground } from "../ground.ts";
import type { Arena } from "./arena.ts";
import { audit, countedPerSecond } from "./looks.ts";
import { catalogue, PRICES } from "./made-orders.ts";

export type StoredBacklog = Tally & {
  readonly arena: Arena;
  /** What was counted before it, as v1 keeps it in `meta`. */
  readonly watermark: string;
};

/** As many as v1 has. */
const AT_ONCE = 2;
/** In a transaction: a tenth of what v1 counts in one statement. */
const TRANSACTION_ORDERS = 5_000;

/** As v1 stores them (shared/modes/direct/stored-orders.ts), but made up by the server: a million are there in seconds. */
const STORE = `
INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
SELECT uuidv7(), 'v1', ($1::text[])[1 + floor(random() * cardinality($1::text[]))::integer],
       ($2::text[])[1 + floor(random() * cardinality($2::text[]))::integer], $3::bigint + floor(random() * $4)::bigint,
       statement_timestamp(), statement_timestamp(), decode(md5(random()::text), 'hex'), pg_current_xact_id()
FROM generate_series(1, $5::integer)`;

/** With nobody counting. `orders` in whole transactions. */
export const storeBacklog = async (arena: Arena, orders: number): Promise<StoredBacklog> => {
  const { pool } = arena;
  const { stores, drinks } = catalogue;
  const values = [stores, drinks, PRICES.leastCents, PRICES.count, TRANSACTION_ORDERS];
  let left = orders;
  const store = async (): Promise<void> => {
    while (left > 0) {
      left -= TRANSACTION_ORDERS;
      await pool.query(STORE, values);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, store));
  // autovacuum would do so in one of the rounds. That rows are marked as committed is no favour: the API's look at the
  // backlog, every second, marks them too
  await pool.query("VACUUM (ANALYZE) orders");
  const cents = await numberOf(pool, "SELECT sum(price_cents) FROM orders");
  const { rows } = await pool.query<{ watermark: string }>(
    "SELECT direct_watermark::text AS watermark FROM meta",
  );
  return { arena, orders, cents, watermark: rows[0]?.watermark ?? "" };
};

/**
 * Orders per second. A worker of its own in every round, since counters are set back only while none is there; what it
 * takes to start is not measured, and PostgreSQL does all the counting.
 */
export const backlogCountedPerSecond = async (ground: Ground, backlog: StoredBacklog): Promise<number> => {
  const { pool, env } = backlog.arena;
  await setBack(pool, backlog.watermark);
  await pool.query("CHECKPOINT");
  const worker = await ground.startWorker("v1", { ...env, RECONCILE_EVERY_MS: "0" });
  try {
    const perSecond = await countedPerSecond(pool, "v1", 0, backlog.orders);
    await audit({ pool, mode: "v1", worker }, { before: null, counted: 0 }, backlog);
    return perSecond;
  } finally {
    await worker.stop();
  }
};

/** The version stays: publishers would take a lower one for that of a restored database. */
const setBack = async (pool: Pool, watermark: string): Promise<void> => {
  await pool.query(`TRUNCATE ${ROLLUPS.map(({ table }) => table).join(", ")}`);
  await pool.query("UPDATE applied SET orders = 0, duplicates = 0, recent = '[]'");
  await pool.query("UPDATE meta SET direct_watermark = $1::xid8", [watermark]);
};
