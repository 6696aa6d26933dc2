/**
 * How fast one worker counts a backlog: of v2 and v3 one that a closed loop sends while the worker is held back, of v1 one
 * that is stored with SQL. A checkpoint comes before each measurement, so that none begins during it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "#shared/store/pool.ts";
import { countsIn } from "../../../dev/system/audit.ts";
import { numberOf } from "../../../dev/system/database.ts";
import { waitUntil } from "../../../dev/system/wait.ts";
import { mixedOrders } from "../generators/catalogue.ts";
import { drive } from "../generators/wrk.ts";
import type { Lab, Order } from "../run/run.ts";
import type { SystemUnderTest } from "../run/test-bed.ts";
import { type Rated, sampled, tallied } from "./rate-run.ts";

/** As many as the API of v2 puts into an entry when it is busy. */
const ORDERS_PER_REQUEST = 500;
const CONNECTIONS = 4;
/** Until the worker's code is compiled and its statements are planned. */
const WARM_UP_SECONDS = 1;
const COUNTED_WITHIN_MS = 180_000;

/** Orders per second, of what the closed loop sent while the worker was held back. */
export const drain = async (lab: Lab, { load, setting }: Order, system: SystemUnderTest): Promise<Rated> => {
  const { pool, url, catalogue } = system;
  const route = `${url}/api/${setting.arrangement.route}/orders`;
  const body = mixedOrders(catalogue, ORDERS_PER_REQUEST, load.seed);
  const send = async (seconds: number): Promise<number> => {
    const load = { url: route, body, connections: CONNECTIONS, seconds, mayRefuse: true };
    const sent = await drive(load, () => undefined);
    return sent.requests * ORDERS_PER_REQUEST;
  };
  await system.start();
  const worker = system.workers[0]?.pid();
  const warmUp = await send(WARM_UP_SECONDS);
  await isSettled(pool, warmUp);
  const before = await countedOf(pool);
  let held = 0;
  await whileHeld(pool, async () => {
    held = await send(load.seconds);
    await pool.query("CHECKPOINT");
  });
  const counted = await sampled(lab, system, () => countedPerSecond(pool, before, held));
  const { audit } = await tallied(pool, warmUp + held, 2 * CONNECTIONS * ORDERS_PER_REQUEST);
  const isRestarted = system.workers[0]?.pid() !== worker;
  return { ...ratedOf("drain", counted, audit), problems: isRestarted ? ["the worker was restarted"] : [] };
};

/** Orders per second, of a backlog that SQL stored as v1 stores orders. */
export const backlog = async (lab: Lab, { load }: Order, system: SystemUnderTest): Promise<Rated> => {
  const { pool, catalogue } = system;
  await storeBacklog(pool, catalogue, load.ordersPerRequest);
  await system.startWorker();
  const counted = await sampled(lab, system, () => countedPerSecond(pool, 0, load.ordersPerRequest));
  const { audit } = await tallied(pool, load.ordersPerRequest, 0);
  return ratedOf("backlog", counted, audit);
};

type Counted = Awaited<ReturnType<typeof countedPerSecond>>;

const ratedOf = (
  profile: string,
  { result, samples }: { readonly result: Counted; readonly samples: Rated["samples"] },
  audit: Rated["audit"] & {},
): Rated => ({ profile, purpose: profile, rate: result.perSecond, window: result.window, samples, audit });

const isSettled = (pool: Pool, sent: number): Promise<void> =>
  waitUntil(
    `the ${sent} orders of the warm-up are counted`,
    async () => {
      const { stored, counted } = await countsIn(pool);
      return counted >= sent && stored === counted;
    },
    COUNTED_WITHIN_MS,
  );

/**
 * The worker waits at the table that every batch writes, and continues as soon as `work` is done. A stopped process would
 * lose its place in Kafka's group after ten seconds, and one that starts would be measured while it joins.
 */
const whileHeld = async (pool: Pool, work: () => Promise<void>): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    // publishers, which read the table, do not wait
    await client.query("LOCK TABLE applied IN SHARE MODE");
    await work();
  } finally {
    // the end of the session releases the lock, also after a failure
    client.release(true);
  }
};

/** A batch of 2 000 orders takes about 50 ms; a loop without a pause would take CPU from what it measures. */
const POLL_MS = 20;

const countedOf = (pool: Pool): Promise<number> =>
  numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM applied");

const countedAtLeast = async (pool: Pool, orders: number) => {
  let sample = { orders: 0, atMs: 0 };
  const deadline = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    sample = { orders: await countedOf(pool), atMs: Date.now() };
    if (sample.orders >= orders) return sample;
    if (performance.now() > deadline)
      throw new Error(`${sample.orders} of ${orders} orders were counted in ${COUNTED_WITHIN_MS / 1_000} s`);
    await sleep(POLL_MS);
  }
};

/**
 * From the first sample that has some of `orders` to the first that has all, of the orders counted between them: the start
 * of the worker is left out, and both samples are equally late. `before` were counted earlier.
 */
const countedPerSecond = async (pool: Pool, before: number, orders: number) => {
  const first = await countedAtLeast(pool, before + 1);
  const last = await countedAtLeast(pool, before + orders);
  if (first.orders === last.orders) throw new Error(`all ${orders} orders were counted between two samples`);
  const window = { startMs: first.atMs, endMs: last.atMs };
  return { window, perSecond: ((last.orders - first.orders) / (last.atMs - first.atMs)) * 1_000 };
};

/** In a transaction: a tenth of what v1 counts in one statement. */
const TRANSACTION_ORDERS = 5_000;
/** As many at a time as v1 writes by default. */
const AT_ONCE = 2;

/** As shared/modes/direct/stored-orders.ts stores orders, but generated by the server: a million take seconds. */
const STORE = `
INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint, xid)
SELECT uuidv7(), 'v1', ($1::text[])[1 + floor(random() * cardinality($1::text[]))::integer],
       ($2::text[])[1 + floor(random() * cardinality($2::text[]))::integer], 200 + floor(random() * 500)::bigint,
       statement_timestamp(), statement_timestamp(), decode(md5(random()::text), 'hex'), pg_current_xact_id()
FROM generate_series(1, $3::integer)`;

/** `orders` in whole transactions. */
const storeBacklog = async (
  pool: Pool,
  { stores, drinks }: SystemUnderTest["catalogue"],
  orders: number,
): Promise<void> => {
  let left = orders;
  const store = async (): Promise<void> => {
    while (left > 0) {
      left -= TRANSACTION_ORDERS;
      await pool.query(STORE, [stores, drinks, TRANSACTION_ORDERS]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, store));
  // autovacuum would do so during some of the runs. That it marks rows as committed changes nothing: the API's count of the
  // backlog, every second, marks them too
  await pool.query("VACUUM (ANALYZE) orders");
  await pool.query("CHECKPOINT");
};
