/** Settles deliveries of v2 on a database, and collects what is reported. */
import type { Order } from "#shared/domain/order.ts";
import type { Count, Delivery } from "#shared/ports.ts";
import type { Counted } from "#shared/store/count.ts";
import type { DeadLetter } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder, messageOf } from "#shared/wire/order-message.ts";
import { numberOf } from "../../dev/system/database.ts";
import { silent } from "../../test/fresh.ts";
import { openSettle } from "./settle.ts";

export type Settling = {
  readonly settle: Count;
  readonly counted: Counted[];
  readonly letters: DeadLetter[];
  /** Of orders that were logged as conflicts. */
  readonly conflictIds: string[];
  /** The number in each report. */
  readonly conflicts: number[];
  readonly warnings: string[];
  readonly stopping: AbortController;
};

export const openSettling = (pool: Pool): Settling => {
  const stopping = new AbortController();
  const reported = {
    ...{ counted: [] as Counted[], letters: [] as DeadLetter[], warnings: [] as string[] },
    ...{ conflictIds: [] as string[], conflicts: [] as number[] },
  };
  const warn = (fields: object, message: string): void => {
    if ("orderId" in fields) reported.conflictIds.push(String(fields.orderId));
    else reported.warnings.push(message);
  };
  const settle = openSettle({
    pool,
    mode: "v2",
    log: { ...silent, warn },
    signal: stopping.signal,
    poisonStopOrders: 20,
    onCounted: (each) => reported.counted.push(each),
    onDeadLetter: (each) => reported.letters.push(each),
    onConflicts: (orders) => reported.conflicts.push(orders),
  });
  return { settle, stopping, ...reported };
};

/** A delivery of these payloads; their origins are "1-0", "2-0" and so on, or start later. */
export const delivered = (payloads: readonly string[], firstOrigin = 1): Delivery => ({
  kind: "carried",
  part: 0,
  position: "9-0",
  entries: payloads.map((payload, index) => ({ origin: `${firstOrigin + index}-0`, payload })),
});

/** The message of an order that PostgreSQL rejects. */
export const withoutPrice = (order: Order): string => JSON.stringify({ ...messageOf(order), price_cents: 0 });

/** One entry of several orders, some of them written by `text`. */
export const entryOf = (
  orders: readonly Order[],
  isBad: (index: number) => boolean = () => false,
  text: (order: Order) => string = withoutPrice,
): string => `[${orders.map((order, index) => (isBad(index) ? text(order) : encodeOrder(order))).join(",")}]`;

export const countOf = (pool: Pool, table: string): Promise<number> =>
  numberOf(pool, `SELECT count(*) FROM ${table}`);
