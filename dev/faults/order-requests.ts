/** Orders as the requests that carry them, for faults that send bytes. */

import type { Body } from "../system/account.ts";
import type { Order } from "./clients.ts";
import type { RawRequest } from "./exchange.ts";

export const JSON_TYPE = { "content-type": "application/json" };
export const NDJSON_TYPE = { "content-type": "application/x-ndjson" };

export const membersOf = ({ drink, store, cents, timestamp }: Body): Record<string, unknown> => ({
  drink,
  store,
  price: cents / 100,
  ...(timestamp !== null && { timestamp }),
});

export const singleOf = (mode: string, { id, body }: Order): RawRequest => ({
  path: `/api/${mode}/order`,
  headers: { ...JSON_TYPE, "idempotency-key": id },
  body: Buffer.from(JSON.stringify(membersOf(body))),
});

export const batchOf = (
  mode: string,
  headers: Record<string, string>,
  body: Buffer | string,
): RawRequest => ({
  path: `/api/${mode}/orders`,
  headers,
  body: Buffer.from(body),
});

export const batchMember = ({ id, body }: Order): string => JSON.stringify({ id, ...membersOf(body) });
