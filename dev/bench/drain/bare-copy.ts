/** The ceiling of counting: as many rows sent into the same table with the same indexes, and nothing more done. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import type { Order } from "#shared/domain/order.ts";
import type { Pool } from "#shared/store/pool.ts";
import { messageOf } from "#shared/wire/order-message.ts";

/** The columns that a worker fills, too. */
const COPY = `COPY orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint) FROM STDIN`;

/** A row of COPY's text form. Only the fingerprint holds a character that means something there. */
const rowOf = (order: Order): string => {
  const { id, store, drink, price_cents, event_time, accepted_at, fingerprint } = messageOf(order);
  const bytes = fingerprint.replace("\\", "\\\\");
  return `${[id, "copy", store, drink, price_cents, event_time, accepted_at, bytes].join("\t")}\n`;
};

export const textOf = (orders: readonly Order[]): Buffer => Buffer.from(orders.map(rowOf).join(""));

/** Rows per second, until they are committed. */
export const copiedPerSecond = async (pool: Pool, texts: readonly Buffer[]): Promise<number> => {
  const client = await pool.connect();
  try {
    const startedMs = performance.now();
    const copy = client.query(copyFrom(COPY));
    await pipeline(Readable.from(texts), copy);
    return (copy.rowCount / (performance.now() - startedMs)) * 1_000;
  } finally {
    // after an error the connection may still be in the midst of the COPY
    client.release(true);
  }
};
