import type { Log } from "../ports.ts";
import { messageOf } from "../runtime/lifecycle.ts";
import type { Pool } from "./pool.ts";
import { schemaLock } from "./schema.ts";

/**
 * A slot is a small number that one worker holds at a time, by an advisory lock of a session. It only buys speed
 * (a rollup shard and a consumer name of one's own): counting stays right if two hold it.
 */
export type Lease = {
  readonly slot: number;
  /** Aborts when the session is lost and another worker may have the slot. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
};

const TAKE_SLOT = `
SELECT slot FROM generate_series(0, $1::integer - 1) AS slot
WHERE pg_try_advisory_lock(${schemaLock("slot")}, slot) LIMIT 1`;

/** Leases the lowest free of `slots` slots; `null` when all are held. */
export const leaseSlot = async (pool: Pool, slots: number, log: Log): Promise<Lease | null> => {
  const client = await pool.connect();
  const gone = new AbortController();
  const onGone = (error?: Error): void => {
    if (gone.signal.aborted) return;
    log.warn({ reason: error ? messageOf(error) : "the session ended" }, "the worker's slot was lost");
    gone.abort();
  };
  client.on("error", onGone);
  client.on("end", onGone);
  const end = (): void => {
    client.off("end", onGone);
    client.release(true);
  };
  try {
    const { rows } = await client.query<{ slot: number }>(TAKE_SLOT, [slots]);
    const slot = rows[0]?.slot;
    if (slot === undefined) {
      end();
      return null;
    }
    // Ending the session gives up the lock.
    return { slot, lost: gone.signal, release: async () => end() };
  } catch (error) {
    end();
    throw error;
  }
};
