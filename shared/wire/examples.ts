/** What the published contracts show; each is checked against its schema by the compiler and by a test. */
import type { Static } from "typebox";
import type { Names } from "../domain/catalogue.ts";
import type { Dashboard, LiveDelta, LiveHeartbeat, LiveResync, LiveSnapshot } from "../domain/dashboard.ts";
import type { OrderRequest } from "../domain/order.ts";
import { iso, MINUTE_MS } from "../domain/time.ts";
import type { readiness, Setup } from "./operations.ts";
import type { OrderMessage } from "./order-message.ts";
import type { orderResults, SocketOrder } from "./order-socket.ts";
import type { batchOrder, batchReply, orderReply, orderStatusReply } from "./orders.ts";
import type { salesReply } from "./sales.ts";

export const ORDER_ID = "019bc0a5-5c00-7000-8000-000000000001";

/**
 * Requests that an API with this catalogue takes, by a title. With `now` also some that name a time: a key is accepted for 31
 * days and a sale for a year, so these are made when the document is served.
 */
export const orderExamples = (
  { stores, drinks }: Names,
  now?: { readonly ms: number; readonly newId: () => string },
): { orders: Record<string, OrderRequest>; batches: Record<string, Static<typeof batchOrder>[]> } => {
  const [store = "", otherStore = store] = stores;
  const [drink = "", otherDrink = drink] = drinks;
  const sold: OrderRequest = { drink, store, price: 4.5 };
  const other: OrderRequest = { drink: otherDrink, store: otherStore, price: "3.80" };
  const timestamp = iso((now?.ms ?? 0) - MINUTE_MS);
  return {
    orders: {
      "sold now": sold,
      "the price as text": other,
      ...(now && { "at a time": { ...sold, timestamp } }),
    },
    batches: {
      "two orders": [sold, other],
      ...(now && { "with a key and a time": [{ id: now.newId(), ...sold, timestamp }, other] }),
    },
  };
};

export const orderReplyExample = (mode: string, status: "stored" | "queued"): Static<typeof orderReply> => ({
  id: ORDER_ID,
  mode,
  status,
  drink: "latte",
  store: "uptown",
  price: 4.5,
  timestamp: "2026-01-15T10:00:00.000Z",
});

export const batchReplyExample: Static<typeof batchReply> = {
  ids: [ORDER_ID],
  replayed: 0,
  rejected: [{ index: 1, field: "drink", reason: "must be a drink of the catalogue" }],
};

export const socketExamples: {
  readonly order: SocketOrder;
  readonly results: Static<typeof orderResults>;
} = {
  order: { id: ORDER_ID, drink: "latte", store: "uptown", price: 4.5 },
  results: [
    { id: ORDER_ID, status: "queued" },
    {
      id: "019bc0a5-5c00-7000-8000-000000000002",
      problem: {
        type: "invalid",
        title: "The request is not valid",
        status: 422,
        detail: "drink must be a drink of the catalogue",
        errors: [{ field: "drink", message: "must be a drink of the catalogue" }],
      },
    },
  ],
};

export const orderStatusExample: Static<typeof orderStatusReply> = {
  id: ORDER_ID,
  mode: "v2",
  status: "counted",
  drink: "latte",
  store: "uptown",
  price: 4.5,
  timestamp: "2026-01-15T10:00:00.000Z",
  conflicts: 0,
};

export const orderMessageExample: OrderMessage = {
  id: ORDER_ID,
  store: "uptown",
  drink: "latte",
  price_cents: 450,
  event_time: "2026-01-15T10:00:00.000Z",
  accepted_at: "2026-01-15T10:00:00.500Z",
  fingerprint: "\\x304ff3103a6a26e7002e339ab10f5f02",
};

export const dashboardExample: Dashboard = {
  current_hour: { hour: 10, top_drinks: ["latte", "mocha"], revenue: 13.3, order_count: 3 },
  top5_drinks: ["latte", "mocha", "tea"],
  recent_orders: [
    { id: ORDER_ID, drink: "latte", store: "uptown", price: 4.5, timestamp: "2026-01-15T10:00:00.000Z" },
  ],
  server_timestamp: "2026-01-15T10:00:01.000Z",
  mode: "all",
  version: 3,
  epoch: 1,
  as_of: "2026-01-15T10:00:00.900Z",
  stale: false,
  hour_start: "2026-01-15T10:00:00.000Z",
  hour_drinks: [
    { drink: "latte", orders: 2, revenue: 9 },
    { drink: "mocha", orders: 1, revenue: 4.3 },
  ],
  hour_stores: [{ store: "uptown", orders: 3, revenue: 13.3 }],
  minutes: [{ minute: "2026-01-15T10:00:00.000Z", orders: 3, revenue: 13.3 }],
  rate: 0.3,
  modes: {
    v1: { orders: 3, rate: 0.3, lag: 0, oldest_pending_ms: 0, freshness_ms: 212, health: "ok" },
    v2: {
      orders: 0,
      rate: 0,
      lag: null,
      oldest_pending_ms: null,
      freshness_ms: null,
      health: "unavailable",
    },
  },
};

export const salesExample: Static<typeof salesReply> = {
  bucket: "hour",
  from: "2026-01-15T09:00:00.000Z",
  to: "2026-01-15T11:00:00.000Z",
  rows: [
    {
      bucket: "2026-01-15T10:00:00.000Z",
      mode: "v1",
      store: "uptown",
      drink: "latte",
      orders: 2,
      revenue: 9,
    },
    {
      bucket: "2026-01-15T10:00:00.000Z",
      mode: "v1",
      store: "uptown",
      drink: "mocha",
      orders: 1,
      revenue: 4.3,
    },
  ],
  next: null,
};

/** The same rows as CSV. */
export const salesCsvExample = `bucket,mode,store,drink,orders,revenue\r
2026-01-15T10:00:00.000Z,v1,uptown,latte,2,9.00\r
2026-01-15T10:00:00.000Z,v1,uptown,mocha,1,4.30\r
`;

export const readinessExample: Static<typeof readiness> = {
  ready: true,
  stopping: false,
  modes: { v1: { health: "ok" }, v2: { health: "unavailable", reason: "no answer in 1000 ms" } },
  servers: { postgresql: "ok", board_redis: "ok" },
};

export const setupExample: Setup = {
  modes: [
    {
      name: "v1",
      title: "direct PostgreSQL",
      status: "stored",
      durability: "201: committed in PostgreSQL",
      verified: { synchronous_commit: "on", fsync: "on", full_page_writes: "on" },
    },
  ],
  stores: { count: 2, names: ["uptown", "downtown"] },
  drinks: { count: 2, names: ["latte", "mocha"] },
  currency: "USD",
  page_orders_per_second: 0,
};

export const catalogueExample = { stores: ["uptown", "downtown"], drinks: ["latte", "mocha"] };

const position = { seq: 8, epoch: 1, version: 3, as_of: "2026-01-15T10:00:00.900Z" };

export const liveExamples = {
  snapshot: { type: "snapshot", ...position, data: dashboardExample },
  delta: {
    type: "delta",
    ...position,
    seq: 9,
    previous: 8,
    version: 4,
    data: { version: 4, rate: 0.4, recent_orders: dashboardExample.recent_orders },
  },
  heartbeat: { type: "heartbeat", ...position, server_timestamp: "2026-01-15T10:00:01.000Z" },
  resync: { type: "resync" },
} as const satisfies {
  snapshot: LiveSnapshot;
  delta: LiveDelta;
  heartbeat: LiveHeartbeat;
  resync: LiveResync;
};
