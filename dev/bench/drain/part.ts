/**
 * How fast what waits is counted: one worker of v2 and v3 beside a bare COPY of as many rows into the same empty table,
 * and v1 over a stored backlog beside v2. Of each kind there is one worker, which publishes its board as ever. A
 * checkpoint comes before each measurement, so that none falls into one by chance.
 */
import { type Figure, ratios } from "../figure.ts";
import { type Bench, type Ground, onGround, type Part } from "../ground.ts";
import { interleaved, unlessVoid } from "../rounds.ts";
import { type Arena, openArena } from "./arena.ts";
import { copiedPerSecond, textOf } from "./bare-copy.ts";
import { type Draining, drainedPerSecond, PIECE_ORDERS } from "./drained.ts";
import { centsOf, newOrders } from "./made-orders.ts";
import { backlogCountedPerSecond, storeBacklog } from "./stored-backlog.ts";
import { openStreamTransport, openTopicTransport } from "./transports.ts";

const DRAIN_ORDERS = 200_000;
const BACKLOG_ORDERS = 1_000_000;
/** Until the worker has joined, its code is compiled and its statement planned. */
const WARM_UP_ORDERS = 20_000;

const measureOn = async (ground: Ground, bench: Bench): Promise<Figure[]> => {
  const { tell } = bench;
  const stored = await openArena(ground, "stored");
  tell(`storing a backlog of ${BACKLOG_ORDERS} orders`);
  const backlog = await storeBacklog(stored, BACKLOG_ORDERS);
  const carried = await openArena(ground, "carried");
  const { v2, v3 } = await openDrains(ground, carried, bench);
  const drain = (draining: Draining): Promise<number> =>
    unlessVoid(draining.mode, () => drainedPerSecond(draining, DRAIN_ORDERS), tell);
  const measures = {
    copy: () => copyPerSecond(carried, bench, DRAIN_ORDERS),
    v2: () => drain(v2),
    v3: () => drain(v3),
    v1: () => backlogCountedPerSecond(ground, backlog),
  };
  tell(`warming up with ${WARM_UP_ORDERS} orders each`);
  await copyPerSecond(carried, bench, WARM_UP_ORDERS);
  for (const draining of [v2, v3]) await drainedPerSecond(draining, WARM_UP_ORDERS);
  const names = ["copy", "v2", "v3", "v1"] as const;
  const rates = await interleaved(bench, "orders counted", names, (name) => measures[name]());
  tell(
    `audit: ${DRAIN_ORDERS} orders of v2 and of v3 and ${BACKLOG_ORDERS} of v1 in each round, each counted once, to the cent, by one worker`,
  );
  return [
    {
      name: "v2, one worker's drain / COPY",
      values: ratios(rates.v2, rates.copy),
      target: { atLeast: 0.5 },
    },
    {
      name: "v3, one worker's drain / COPY",
      values: ratios(rates.v3, rates.copy),
      target: { atLeast: 0.5 },
    },
    {
      name: "v1, counting a backlog of 1 000 000 / v2's drain",
      values: ratios(rates.v1, rates.v2),
      target: { atLeast: 5 },
    },
  ];
};

/** In a stream and a topic of their own: servers may have been given. */
const openDrains = async (
  ground: Ground,
  arena: Arena,
  { random, tell }: Bench,
): Promise<Record<"v2" | "v3", Draining>> => {
  const { servers, closers } = ground;
  const env = {
    ...arena.env,
    STREAM_REDIS_URL: servers.stream?.url ?? "",
    KAFKA_BROKERS: servers.kafka?.url ?? "",
    V2_STREAM: `coffee:bench:${process.pid}`,
    V3_TOPIC: `coffee-bench-${process.pid}`,
    V3_GROUP: `coffee-bench-${process.pid}`,
    // it comes once a minute, into some of the measurements and not into others
    RECONCILE_EVERY_MS: "0",
    // a batch that is held back waits for the filling
    STATEMENT_TIMEOUT_MS: "180000",
  };
  const common = { arena, random };
  const v2 = { ...common, mode: "v2", transport: await openStreamTransport(env, closers, tell) };
  const v3 = { ...common, mode: "v3", transport: await openTopicTransport(env, closers, tell) };
  return {
    v2: { ...v2, worker: await ground.startWorker("v2", env) },
    v3: { ...v3, worker: await ground.startWorker("v3", env) },
  };
};

const copyPerSecond = async ({ pool }: Arena, { random }: Bench, orders: number): Promise<number> => {
  const texts: Buffer[] = [];
  let cents = 0;
  for (const piece of newOrders(orders, PIECE_ORDERS, random)) {
    texts.push(textOf(piece));
    cents += centsOf(piece);
  }
  await pool.query("TRUNCATE orders");
  await pool.query("CHECKPOINT");
  const perSecond = await copiedPerSecond(pool, texts);
  const { rows } = await pool.query<{ stored: string; cents: string }>(
    "SELECT count(*) AS stored, sum(price_cents) AS cents FROM orders",
  );
  if (Number(rows[0]?.stored) !== orders || Number(rows[0]?.cents) !== cents)
    throw new Error(`COPY: ${rows[0]?.stored} rows came, should be ${orders}`);
  return perSecond;
};

export const drain: Part = {
  name: "drain",
  measure: (bench) =>
    onGround({ postgres: {}, stream: {}, kafka: { log: bench.tell } }, bench, (ground) =>
      measureOn(ground, bench),
    ),
};
