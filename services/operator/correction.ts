/** What somebody has written in place of a dead letter's payload. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { ORDER_ID_PATTERN } from "#shared/domain/order-id.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { KeptLetter } from "#shared/store/dead-letters.ts";
import { UsageError } from "./command.ts";

/** A batch of the API has a thousand; all of them are counted in one transaction. */
const MOST_ORDERS = 10_000;
const ORDER_ID = new RegExp(ORDER_ID_PATTERN);

/** `-` is standard input. */
export const readCorrection = async (file: string): Promise<string> => {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`--payload ${file} cannot be read: ${messageOf(error)}.`);
  }
};

/**
 * The JSON text of an array of orders, as they travel, out of one order or an array of them. A letter of one order stays
 * that order: under another id it would count beside what its client may send again.
 */
export const correctionOf = (json: string, letter: KeptLetter): string => {
  let written: unknown;
  try {
    written = JSON.parse(json);
  } catch (error) {
    throw new UsageError(`The payload is no JSON: ${messageOf(error)}.`);
  }
  const orders: unknown[] = Array.isArray(written) ? written : [written];
  if (orders.length === 0 || orders.length > MOST_ORDERS)
    throw new UsageError(`The payload has ${orders.length} orders: expected 1 to ${MOST_ORDERS}.`);
  if (letter.index >= 0 && orders.length > 1)
    throw new UsageError(`Dead letter ${letter.id} is one order, and the payload has ${orders.length}.`);
  const ids = orders.map((order, index) => {
    const id = (order as { id?: unknown } | null)?.id;
    if (typeof id === "string" && ORDER_ID.test(id)) return id.toLowerCase();
    throw new UsageError(`Order ${index} of the payload needs an id that is a UUIDv7, as orders travel.`);
  });
  if (letter.orderId !== null && ids[0] !== letter.orderId)
    throw new UsageError(`Dead letter ${letter.id} is order ${letter.orderId}: a correction keeps its id.`);
  // the text itself: numbers stay what they are
  return Array.isArray(written) ? json : `[${json}]`;
};
