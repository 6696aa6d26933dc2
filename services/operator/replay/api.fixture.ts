/**
 * An API in memory, which stores orders by key and fails as a test wants, until the current test ends. The test with a
 * real system is test/replay.integration.test.ts.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { HOUR_MS, iso } from "#shared/domain/time.ts";
import { serveForTest } from "../../../test/temporary.ts";

export type FixtureOrder = {
  readonly id: string;
  readonly store: string;
  readonly drink: string;
  readonly price: number;
  readonly timestamp: string;
};
/** The outcome of the n-th POST; undefined accepts its orders. */
export type Failure = (
  n: number,
  orders: readonly FixtureOrder[],
) =>
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: object }
  | "reset"
  | "lost reply"
  | undefined;

export type ApiFixture = {
  readonly url: string;
  /** By key. */
  readonly orders: Map<string, FixtureOrder>;
  fail: Failure;
  /** Names that its catalogue has, which requests may extend. */
  readonly catalogue: { readonly stores: Set<string>; readonly drinks: Set<string> };
  /** Orders that it rejects, as having an unknown drink. */
  rejects: (order: FixtureOrder) => boolean;
};

/** Small, so that every test reads several pages. */
const PAGE_ROWS = 3;

export const openApiFixture = async (): Promise<ApiFixture> => {
  const orders = new Map<string, FixtureOrder>();
  let posts = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const batch = JSON.parse(await text(request)) as FixtureOrder[];
    const failure = fixture.fail(posts++, batch);
    if (failure === "reset") return void request.socket.destroy();
    if (typeof failure === "object")
      return reply(response, failure.status, failure.body ?? {}, failure.headers);
    const taken = batch.filter((order) => !fixture.rejects(order));
    const replayed = taken.filter(({ id }) => orders.has(id)).length;
    for (const order of taken) orders.set(order.id, order);
    if (failure === "lost reply") return void request.socket.destroy();
    const rejected = batch.flatMap((order, index) =>
      fixture.rejects(order) ? [{ index, field: "drink", reason: "must be known" }] : [],
    );
    reply(response, taken.length > 0 ? 202 : 422, { replayed, rejected });
  };
  const catalogue = { stores: new Set(["Up", "Down"]), drinks: new Set(["Latte", "Tea", "Mocha"]) };
  const extend = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { stores, drinks } = JSON.parse(await text(request)) as Record<"stores" | "drinks", string[]>;
    for (const name of stores) catalogue.stores.add(name);
    for (const name of drinks) catalogue.drinks.add(name);
    reply(response, 200, { added: { stores, drinks } });
  };
  const { url } = await serveForTest((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://fixture");
    const isCatalogue = pathname === "/api/catalogue";
    if (request.method === "POST") void (isCatalogue ? extend : take)(request, response);
    else if (isCatalogue)
      reply(response, 200, { stores: [...catalogue.stores], drinks: [...catalogue.drinks] });
    else if (pathname === "/api/setup") reply(response, 200, { modes: [{ name: "v2" }] });
    else reply(response, 200, sales(orders, searchParams));
  });
  const fixture: ApiFixture = { url, orders, catalogue, fail: () => undefined, rejects: () => false };
  return fixture;
};

const reply = (
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};

const sales = (orders: ReadonlyMap<string, FixtureOrder>, query: URLSearchParams): object => {
  const totals = new Map<string, { orders: number; cents: number }>();
  for (const { store, drink, price, timestamp } of orders.values()) {
    if (timestamp < (query.get("from") ?? "") || timestamp >= (query.get("to") ?? "")) continue;
    const bucket = iso(Math.floor(Date.parse(timestamp) / HOUR_MS) * HOUR_MS);
    const key = JSON.stringify([bucket, store, drink]);
    const before = totals.get(key) ?? { orders: 0, cents: 0 };
    totals.set(key, { orders: before.orders + 1, cents: before.cents + Math.round(price * 100) });
  }
  const start = Number(query.get("cursor") ?? 0);
  const rows = [...totals].slice(start, start + PAGE_ROWS).map(([key, total]) => {
    const [bucket, store, drink] = JSON.parse(key) as string[];
    return {
      bucket,
      mode: query.get("mode"),
      store,
      drink,
      orders: total.orders,
      revenue: total.cents / 100,
    };
  });
  return { bucket: "hour", rows, next: start + PAGE_ROWS < totals.size ? String(start + PAGE_ROWS) : null };
};
