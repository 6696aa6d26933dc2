/**
 * What one API process accepts by each mode, beside the null route: the same app, validation and reply with nothing
 * behind it. Workers are stopped, except where it says otherwise, and count everything afterwards for the audit.
 */
import { openPool, type Pool } from "#shared/store/pool.ts";
import type { HttpProgram } from "../../system/programs.ts";
import { startRedis } from "../../system/servers/redis.ts";
import { waitUntil } from "../../system/wait.ts";
import { type Figure, ratios, type Target } from "../figure.ts";
import { type Bench, type Ground, onGround, type Part } from "../ground.ts";
import { interleaved, unlessVoid } from "../rounds.ts";
import { bareInsertsPerSecond } from "./bare-insert.ts";
import { drive, type WrkLoad } from "./wrk.ts";

const CONNECTIONS = 64;
const BATCH_ORDERS = 500;
/** So few that none waits so long that it is refused. */
const BATCH_CONNECTIONS = 4;
const SECONDS = { warmUp: 2, single: 4, batch: 2, two: 2, counted: 3 };
const DRAIN_WITHIN_MS = 180_000;

const MODES = ["v1", "v2", "v3"] as const;
const VARIANTS = ["v1-each", "v2-each", "v2-everysec"] as const;
const routes = ["null", ...MODES, ...VARIANTS];
const SINGLES: Record<string, [name: string, target: Target]> = {
  v1: ["v1, single orders / null route", { atLeast: 0.75 }],
  v2: ["v2, single orders, appendfsync always / null route", { atLeast: 0.75 }],
  v3: ["v3, single orders, acks=-1 / null route", { atLeast: 0.7 }],
  "v1-each": ["v1, one INSERT per request / null route", null],
  "v2-each": ["v2, one XADD per order / null route", null],
  "v2-everysec": ["v2, appendfsync everysec / null route", null],
};

const latte = { drink: "latte", store: "uptown", price: 4.5 };
const ORDER = JSON.stringify(latte);
const BATCH = JSON.stringify(Array(BATCH_ORDERS).fill(latte));

type Sent = Record<string, number>;
type How = Pick<WrkLoad, "connections" | "seconds" | "isWarmUp">;

/** What is sent to which API, and so what has to be counted. */
const openSenders = (api: HttpProgram, second: HttpProgram, sent: Sent, tell: Bench["tell"]) => {
  const send = async (
    url: string,
    mode: string,
    orders: 1 | typeof BATCH_ORDERS,
    how: How,
  ): Promise<number> => {
    const [path, body] = orders === 1 ? ["order", ORDER] : ["orders", BATCH];
    const load = { url: `${url}/api/${mode}/${path}`, body, ...how };
    const { requests, perSecond } = await unlessVoid(mode, () => drive(load, tell), tell);
    // what is in the other Redis no worker counts
    if (mode !== "v2-everysec") add(sent, mode.slice(0, 2), requests * orders);
    return perSecond * orders;
  };
  const single = (mode: string, seconds: number): Promise<number> =>
    send(api.url, mode, 1, { connections: CONNECTIONS, seconds });
  const batch = (mode: string): Promise<number> =>
    send(api.url, mode, BATCH_ORDERS, { connections: BATCH_CONNECTIONS, seconds: SECONDS.batch });
  const pair = async (mode: string, urls: readonly string[]): Promise<number> => {
    const how = { connections: CONNECTIONS / 2, seconds: SECONDS.two };
    const rates = await Promise.all(urls.map((url) => send(url, mode, 1, how)));
    return rates.reduce((sum, rate) => sum + rate, 0);
  };
  const warmUp = async (): Promise<void> => {
    const how = { connections: CONNECTIONS, seconds: SECONDS.warmUp, isWarmUp: true };
    for (const mode of routes) await send(api.url, mode, 1, how);
    for (const mode of MODES)
      await send(api.url, mode, BATCH_ORDERS, { ...how, connections: BATCH_CONNECTIONS });
    for (const mode of MODES) await send(second.url, mode, 1, how);
  };
  return { single, batch, pair, warmUp };
};

const measureOn = async (ground: Ground, bench: Bench): Promise<Figure[]> => {
  const { tell } = bench;
  const everysec = await startRedis({
    name: "redis-stream-everysec",
    role: "stream",
    settings: { appendfsync: "everysec" },
  });
  ground.closers.add("the Redis with everysec", () => everysec.stop());
  const settings = {
    ...Object.fromEntries(MODES.map((mode) => [`${mode.toUpperCase()}_ENABLED`, "true"])),
    EVERYSEC_REDIS_URL: everysec.url,
    MAX_LAG_ORDERS: "2000000",
  };
  const [api, second] = [
    await ground.startApi(settings, "dev/bench/ingest/api.ts"),
    await ground.startApi(settings, "dev/bench/ingest/api.ts"),
  ];
  const sent: Sent = {};
  const databaseUrl = ground.servers.postgres?.url ?? "";
  const { single, batch, pair, warmUp } = openSenders(api, second, sent, tell);
  // a fast machine takes a million orders in a round of batches, and more than a few would be refused
  const count = async (): Promise<void> => {
    const workers = await Promise.all(MODES.map((mode) => ground.startWorker(mode)));
    await audited(databaseUrl, sent, tell);
    await Promise.all(workers.map((worker) => worker.stop()));
  };

  await warmUp();
  const singles = await interleaved(bench, "single orders", routes, (mode) => single(mode, SECONDS.single));
  const batches = await interleaved(
    bench,
    "batches of 500",
    ["insert", ...MODES],
    (name) =>
      name === "insert" ? bareInsertsPerSecond(databaseUrl, BATCH_ORDERS, SECONDS.batch) : batch(name),
    count,
  );
  const two = await interleaved(
    bench,
    "two processes",
    MODES.flatMap((mode) => [`${mode} one`, `${mode} two`]),
    (name) => pair(name.slice(0, 2), name.endsWith("two") ? [api.url, second.url] : [api.url, api.url]),
  );
  await second.stop();
  for (const mode of MODES) await ground.startWorker(mode);
  await audited(databaseUrl, sent, tell);
  const counted = await interleaved(bench, "workers running", ["null", ...MODES], (mode) =>
    single(mode, SECONDS.counted),
  );
  await audited(databaseUrl, sent, tell);
  return figuresFrom({ singles, batches, two, counted });
};

type Rates = Record<string, number[]>;
type Measured = { singles: Rates; batches: Rates; two: Rates; counted: Rates };

const figuresFrom = ({ singles, batches, two, counted }: Measured): Figure[] => {
  const by = (rates: Rates, name: string, ceiling: string): number[] =>
    ratios(rates[name] ?? [], rates[ceiling] ?? []);
  return [
    ...Object.entries(SINGLES).map(([mode, [name, target]]) => ({
      name,
      values: by(singles, mode, "null"),
      target,
    })),
    ...MODES.map((mode) => ({
      name: `${mode}, single orders, its worker running / null route`,
      values: by(counted, mode, "null"),
      target: null,
    })),
    ...MODES.map((mode) => ({
      name: `${mode}, orders in batches of 500 / rows of a bare multi-row INSERT`,
      values: by(batches, mode, "insert"),
      target: { atLeast: 0.5 },
    })),
    ...MODES.map((mode) => ({
      name: `${mode}, two API processes / one`,
      values: by(two, `${mode} two`, `${mode} one`),
      target: null,
    })),
  ];
};

const add = (sent: Sent, mode: string, orders: number): void => {
  sent[mode] = (sent[mode] ?? 0) + Math.round(orders);
};

/** Everything accepted is stored and counted once. What wrk cut off at a round's end may be there or not. */
const audited = async (databaseUrl: string, sent: Sent, tell: Bench["tell"]): Promise<void> => {
  const pool = openPool(
    {
      databaseUrl,
      program: "coffee-bench",
      maxConnections: 1,
      statementTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
    },
    () => undefined,
  );
  try {
    for (const mode of MODES) {
      const want = sent[mode] ?? 0;
      let { stored, counted } = await tallyOf(pool, mode);
      const isRight = async (): Promise<boolean> => {
        ({ stored, counted } = await tallyOf(pool, mode));
        return counted >= want && stored === counted;
      };
      const what = `${want} orders of ${mode} stored, and each of them counted`;
      await waitUntil(what, isRight, DRAIN_WITHIN_MS).catch((error: Error) => {
        throw new Error(`${error.message}: ${stored} stored, ${counted} counted`);
      });
      tell(`audit: ${want} orders of ${mode} accepted, ${stored} stored, each counted once`);
    }
  } finally {
    await pool.end();
  }
};

/** In one snapshot: what a worker counts between two looks would seem to be counted twice. */
const TALLY = `
SELECT (SELECT count(*) FROM orders WHERE mode = $1)::float8 AS stored,
       (SELECT coalesce(sum(orders), 0) FROM rollup_hour WHERE mode = $1)::float8 AS counted`;

const tallyOf = async (pool: Pool, mode: string): Promise<{ stored: number; counted: number }> => {
  const { rows } = await pool.query<{ stored: number; counted: number }>(TALLY, [mode]);
  return rows[0] ?? { stored: 0, counted: 0 };
};

export const ingest: Part = {
  name: "ingest",
  measure: (bench) =>
    onGround({ postgres: {}, board: {}, stream: {}, kafka: { log: bench.tell } }, bench, (ground) =>
      measureOn(ground, bench),
    ),
};
