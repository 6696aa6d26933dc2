/** What the programs write while they work: JSON a line, for what matters alone, and never a secret. */
import { createServer } from "node:net";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { atLast, freshDatabase, type Program, startProgram, until } from "./fresh.ts";

const SECRETS = {
  database: "s3cret-of-the-database",
  redis: "s3cret-of-redis",
  wrong: "s3cret-that-is-wrong",
};
const ORDERS = 300;

let board: Server;
let stream: Server;
let client: RedisClient;
let programs: { readonly api: Program; readonly worker: Program; readonly lockedOut: Program };
let url: string;

const withPassword = (address: string, password: string): string => {
  const changed = new URL(address);
  changed.password = password;
  return changed.href;
};

const freePortNow = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });

/** A password that Redis has only from now on: its readiness is asked without one. */
const protect = async ({ url: address }: Server): Promise<RedisClient> => {
  const options = { ...redisOptions("logs-test"), lazyConnect: true };
  const open = openRedis(address, options, () => undefined);
  await open.connect();
  await open.config("SET", "requirepass", SECRETS.redis);
  return open;
};

type Line = Record<string, unknown> & { readonly level: number; readonly msg: string };
const linesOf = (program: Program): Line[] =>
  program
    .output()
    .split("\n")
    // what follows the last line's end is a line that is still coming
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const told = (program: Program, msg: RegExp): Line[] => linesOf(program).filter((line) => msg.test(line.msg));

const post = (body: object, key?: string): Promise<Response> =>
  fetch(`${url}/api/v2/order`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { "idempotency-key": key }) },
    body: JSON.stringify(body),
  });
const latte = { drink: "latte", store: "uptown", price: 4.5 };

beforeAll(async () => {
  [board, stream] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
  ]);
  const protecting = await protect(board);
  client = await protect(stream);
  await closeRedis(protecting);
  const port = await freePortNow();
  url = `http://127.0.0.1:${port}`;
  const settings = {
    DATABASE_URL: withPassword(await freshDatabase(), SECRETS.database),
    BOARD_REDIS_URL: withPassword(board.url, SECRETS.redis),
    STREAM_REDIS_URL: withPassword(stream.url, SECRETS.redis),
  };
  const worker = { ...settings, MODE: "v2", METRICS_PORT: "0" };
  programs = {
    api: startProgram("services/order-api/main.ts", { ...settings, V2_ENABLED: "true", PORT: String(port) }),
    worker: startProgram("services/worker/main.ts", worker),
    lockedOut: startProgram("services/worker/main.ts", {
      ...worker,
      BOARD_REDIS_URL: withPassword(board.url, SECRETS.wrong),
      STREAM_REDIS_URL: withPassword(stream.url, SECRETS.wrong),
    }),
  };
  await until("orders are taken", async () => (await post(latte).catch(() => null))?.status === 202, 30_000);
  await until("the worker counts", () => told(programs.worker, /counting in a slot/).length > 0);
}, 90_000);

afterAll(async () => {
  for (const program of Object.values(programs ?? {})) await program.kill("SIGTERM");
  await closeRedis(client);
  await Promise.all([board.stop(), stream.stop()]);
}, 60_000);

test("an order is no line", async () => {
  const lines = (): number => [programs.api, programs.worker].flatMap(linesOf).length;
  await until("the start is told", async () => {
    const before = lines();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return lines() === before;
  });
  const before = lines();
  for (let sent = 0; sent < ORDERS; sent += 50)
    await Promise.all(
      Array.from({ length: 50 }, async () => expect((await atLast(() => post(latte))).status).toBe(202)),
    );
  await until("all are counted", async () => {
    const dashboard = (await (await fetch(`${url}/api/dashboard`)).json()) as {
      modes: Record<string, { orders: number }>;
    };
    return (dashboard.modes["v2"]?.orders ?? 0) >= ORDERS;
  });
  expect(lines() - before).toBeLessThan(10);
});

test("what happens to one order is a line with its mode and its id", async () => {
  const key = newOrderId();
  expect((await post(latte, key)).status).toBe(202);
  expect((await post({ ...latte, price: 5 }, key)).status).toBe(202);
  await until("the conflict is told", () => told(programs.worker, /key of another/).length > 0);
  expect(told(programs.worker, /key of another/)).toMatchObject([{ level: 40, mode: "v2", orderId: key }]);

  const { v2Stream } = loadSettings(redisStreamsKnobs, {
    STREAM_REDIS_URL: "redis://s",
    DATABASE_URL: "postgres://p",
  });
  const poison = JSON.stringify([{ id: newOrderId(), store: "uptown", drink: "latte", price_cents: -1 }]);
  await client.xadd(v2Stream, "*", "orders", poison, "n", "1", "total", String(ORDERS * 10));
  await until("the dead letter is told", () => told(programs.worker, /dead letter/).length > 0);
  const [letter] = told(programs.worker, /dead letter/);
  expect(letter).toMatchObject({ level: 50, mode: "v2", orderId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(letter?.["reason"]).not.toBe("");
});

test("no secret is told, neither by who may come in nor by who may not", async () => {
  await until("who may not come in says so", () => told(programs.lockedOut, /Redis unreachable/).length > 0);
  for (const program of Object.values(programs)) {
    // every line is JSON
    expect(linesOf(program).length).toBeGreaterThan(0);
    for (const secret of Object.values(SECRETS)) expect(program.output()).not.toContain(secret);
  }
});
