/**
 * Several API processes and several workers of a mode on the same servers, as `--scale` and replicas run them; some end
 * in between. Nothing is lost or counted twice, v1 counts in one place at a time, and whoever looks sees the same board,
 * whatever process it is connected to.
 */
import { Redis } from "ioredis";
import { v7 as newKey } from "uuid";
import { afterEach, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { modes } from "#shared/modes/all.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { listeningAt } from "./api-process.ts";
import { freshDatabase, freshName, type Program, poolOn, startProgram, until } from "./fresh.ts";

const APIS = 3;
/** More than the partitions of v3's topic: those without one have nothing to do, and do no harm. */
const WORKERS = 4;
const PARTITIONS = 2;
const ORDERS = 600;
const CLIENTS = 6;
const CENTS = 450;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

type Board = {
  readonly epoch: number;
  readonly version: number;
  readonly modes: Readonly<Record<string, { readonly orders: number }>>;
  readonly recent_orders: readonly { readonly id: string }[];
};

const settingsOnFreshGround = async (): Promise<Record<string, string>> => {
  const [board, stream, databaseUrl] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    freshDatabase(),
  ]);
  closers.push(
    () => board.stop(),
    () => stream.stop(),
  );
  const name = freshName("orders");
  return {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V1_TICK_MS: "100",
    V2_CLAIM_IDLE_MS: "1000",
    V3_TOPIC: name,
    V3_GROUP: name,
    V3_PARTITIONS: String(PARTITIONS),
    V3_SESSION_TIMEOUT_MS: "6000",
    LOG_LEVEL: "warn",
  };
};

const start = (file: string, settings: Record<string, string>): Program => {
  const program = startProgram(file, settings);
  closers.push(() => program.kill("SIGKILL"));
  return program;
};

type Api = { readonly program: Program; readonly url: string };

const startApi = async (mode: string, settings: Record<string, string>): Promise<Api> => {
  const env = { ...settings, [`${mode.toUpperCase()}_ENABLED`]: "true", PORT: "0", LOG_LEVEL: "info" };
  const program = start("services/order-api/main.ts", env);
  const url = await listeningAt(program);
  await until("it takes orders", async () => (await fetch(`${url}/readyz`)).ok, 30_000);
  return { program, url };
};

/** Whether it was acknowledged; a process that has ended or ends answers nobody. */
const send = async (url: string, mode: string, key: string): Promise<boolean> => {
  try {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const body = JSON.stringify({ drink: "latte", store: "uptown", price: CENTS / 100 });
    const response = await fetch(`${url}/api/${mode}/order`, { method: "POST", headers, body });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // the next attempt goes to another process, with the same key
    return false;
  }
};

/** Every order until it is acknowledged, each attempt to another API; every tenth to two of them at once. */
const sendAll = async (
  apis: readonly Api[],
  mode: string,
  onSent: (count: number) => void,
): Promise<void> => {
  let next = 0;
  let acknowledged = 0;
  const urlOf = (attempt: number): string => apis[attempt % apis.length]?.url ?? "";
  const client = async (): Promise<void> => {
    for (let order = next++; order < ORDERS; order = next++) {
      const key = newKey();
      const attempt = (at: number): Promise<boolean> => send(urlOf(at), mode, key);
      if (order % 10 === 0) await Promise.all([attempt(order), attempt(order + 1)]);
      let tries = order;
      await until("an order is acknowledged", () => attempt(tries++), 30_000);
      onSent(++acknowledged);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
};

/** The last board that a dashboard was sent. */
const watch = (url: string): (() => Board | null) => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`);
  let last: Board | null = null;
  socket.on("message", (data) => {
    last = JSON.parse(String(data)) as Board;
  });
  // the API that it is connected to may end
  socket.on("error", () => undefined);
  closers.push(async () => socket.terminate());
  return () => last;
};

/** The most of v1's ticks that were under way at the same time. */
const watchTicks = (boardUrl: string): (() => number) => {
  const client = new Redis(boardUrl);
  let most = 0;
  let open = true;
  const look = async (): Promise<void> => {
    while (open) most = Math.max(most, await client.llen("bull:coffee-v1-tick:active"));
  };
  const looking = look();
  closers.push(async () => {
    open = false;
    await looking;
    await client.quit();
  });
  return () => most;
};

type Figures = { readonly rows: string; readonly counted: string; readonly cents: string };
const FIGURES = `SELECT (SELECT count(*) FROM orders) AS rows,
  (SELECT coalesce(sum(orders), 0) FROM rollup_hour) AS counted,
  (SELECT coalesce(sum(revenue_cents), 0) FROM rollup_hour) AS cents`;

test.each(modes)(
  `${APIS} APIs and ${WORKERS} workers of $name: exact figures, and the same board for everybody`,
  async ({ name: mode }) => {
    const settings = await settingsOnFreshGround();
    const apis = await Promise.all(Array.from({ length: APIS }, () => startApi(mode, settings)));
    const worker = { ...settings, MODE: mode, METRICS_PORT: "0" };
    const workers = Array.from({ length: WORKERS }, () => start("services/worker/main.ts", worker));
    const boards = apis.map(({ url }) => watch(url));
    const mostTicks = watchTicks(settings["BOARD_REDIS_URL"] ?? "");
    const [endingApi, ...lasting] = apis;
    const ends: Promise<unknown>[] = [];
    await sendAll(apis, mode, (count) => {
      if (count === ORDERS / 3) ends.push(workers[0]?.kill("SIGKILL") ?? Promise.resolve());
      if (count === ORDERS / 2) ends.push(endingApi?.program.kill("SIGTERM") ?? Promise.resolve());
    });
    await Promise.all(ends);
    expect(await endingApi?.program.ended).toBe(0);
    const ordersOn = (board: Board | null | undefined): number => board?.modes[mode]?.orders ?? 0;
    const lastingBoards = boards.slice(1);
    await until(
      "every dashboard shows all",
      () => lastingBoards.every((board) => ordersOn(board()) >= ORDERS),
      60_000,
    );
    const pool = poolOn(settings["DATABASE_URL"] ?? "");
    closers.push(() => pool.end());
    const { rows } = await pool.query<Figures>(FIGURES);
    expect(rows[0]).toEqual({ rows: String(ORDERS), counted: String(ORDERS), cents: String(ORDERS * CENTS) });
    const seen = lastingBoards.map((board) => {
      const { epoch, version, recent_orders, modes: of } = board() ?? expect.fail("a board");
      return { epoch, version, recent: recent_orders.map(({ id }) => id), orders: of[mode]?.orders };
    });
    expect(seen).toEqual(lasting.map(() => ({ ...seen[0], orders: ORDERS })));
    const asked = await Promise.all(
      lasting.map(async ({ url }) => (await (await fetch(`${url}/api/dashboard`)).json()) as Board),
    );
    expect(asked.map(({ version }) => version)).toEqual(asked.map(() => seen[0]?.version));
    if (mode === "v1") expect(mostTicks()).toBe(1);
    for (const { process, output } of workers.slice(1)) expect(process.exitCode, output()).toBeNull();
  },
  120_000,
);
