/** The command on a new database, with letters for it. */
import type { Order } from "#shared/domain/order.ts";
import { type DeadLetter, storeLetter } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { openTestPool } from "#shared/store/store.fixture.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";
import { emptied, numberOf } from "../../dev/system/database.ts";
import { someOrders } from "../../test/fresh.ts";
import { deadLetters } from "./dead-letters.ts";

export const openLetters = async () => {
  const pool = await openTestPool();
  const kept = (letter: Partial<DeadLetter>): Promise<void> =>
    storeLetter(pool, {
      source: "v2",
      origin: `${Math.random()}`,
      index: 0,
      payload: "5",
      reason: "22023",
      detail: "argument of json_to_recordset must be an array of objects",
      ...letter,
    });
  return {
    pool,
    kept,
    keptOrders: async (orders: readonly Order[], letter: Partial<DeadLetter> = {}): Promise<void> => {
      for (const order of orders) await kept({ payload: encodeOrder(order), ...letter });
    },
    /** The next letter has the id 1. */
    emptied: async (): Promise<void> => {
      await emptied(pool);
      await pool.query("ALTER TABLE dead_letters ALTER COLUMN id RESTART");
    },
    figures: async () => ({
      open: await numberOf(
        pool,
        "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL AND discarded_at IS NULL",
      ),
      counted: await numberOf(pool, "SELECT count(*) FROM orders"),
    }),
    run: runOn(pool),
  };
};

const runOn =
  (pool: Pool) =>
  async (...args: string[]): Promise<{ status: number; lines: string[] }> => {
    const lines: string[] = [];
    const { signal } = new AbortController();
    const say = (line: string) => void lines.push(line);
    const status = await deadLetters.run(args, { pool, say, signal, env: {} });
    return { status, lines };
  };

export const one = (seed = 1): Order => someOrders(1, seed)[0] as Order;
