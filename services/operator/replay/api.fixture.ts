/**
 * An API in memory for tests of the replay's own side: it takes orders by key, and fails as a test wants. The real
 * system is replayed to in test/replay.integration.test.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { HOUR_MS, iso } from "#shared/domain/time.ts";

export type FixtureOrder = {
  readonly id: string;
  readonly store: string;
  readonly drink: string;
  readonly price: number;
  readonly timestamp: string;
};
/** The outcome of the n-th POST instead of taking it; undefined takes it. */
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
  /** Orders it does not take, as having an unknown drink. */
  rejects: (order: FixtureOrder) => boolean;
  close(): Promise<void>;
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
  const server = createServer((request, response) => {
    if (request.method === "POST") void take(request, response);
    else reply(response, 200, sales(orders, new URL(request.url ?? "", "http://fixture").searchParams));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fixture: ApiFixture = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders,
    fail: () => undefined,
    rejects: () => false,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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
