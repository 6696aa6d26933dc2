/** The programs as processes: what a wrong setting, a signal and a kill do to them. */
import { once } from "node:events";
import { afterEach, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { startRedis } from "../dev/system/servers/redis.ts";
import { freshDatabase, freshName, type Program, poolOn, startProgram, until } from "./fresh.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

const start = (file: string, settings: Record<string, string>): Program => {
  const program = startProgram(file, settings);
  closers.push(() => program.kill("SIGKILL"));
  return program;
};
const ended = async (program: Program): Promise<number | null> => {
  await until("the program ends", () => program.process.exitCode !== null);
  return program.process.exitCode;
};

test.each([
  ["services/order-api/main.ts", {}, /DATABASE_URL is not set: expected .*postgres/],
  [
    "services/order-api/main.ts",
    { DATABASE_URL: "postgres://x/y", BOARD_REDIS_URL: "redis://x" },
    /No mode is on: set V1_ENABLED, V2_ENABLED, V3_ENABLED/,
  ],
  [
    "services/order-api/main.ts",
    { PORT: "coffee" },
    /PORT is "coffee": expected a whole number from 0 to 65535/,
  ],
  [
    "services/order-api/main.ts",
    { DATABASE_URL: "postgres://x/y", BOARD_REDIS_URL: "redis://x", V2_ENABLED: "true" },
    /STREAM_REDIS_URL is not set/,
  ],
  [
    "services/order-api/main.ts",
    {
      DATABASE_URL: "postgres://x/y",
      BOARD_REDIS_URL: "redis://x",
      V1_ENABLED: "true",
      CATALOGUE_FILE: "/nowhere.json",
    },
    /CATALOGUE_FILE is "\/nowhere.json"/,
  ],
  [
    "services/worker/main.ts",
    { MODE: "v9", DATABASE_URL: "postgres://x/y", BOARD_REDIS_URL: "redis://x" },
    /MODE is "v9": expected one of v1, v2, v3/,
  ],
  [
    "services/worker/main.ts",
    {
      MODE: "v3",
      DATABASE_URL: "postgres://x/y",
      BOARD_REDIS_URL: "redis://x",
      KAFKA_BROKERS: "x:1",
      ORDERS_KEEP_DAYS: "44",
    },
    /ORDERS_KEEP_DAYS is "44": expected at least 45, because V3_RETENTION_HOURS is "168"/,
  ],
  [
    "services/worker/main.ts",
    { MODE: "v1", DATABASE_URL: "postgres://x/y", BOARD_REDIS_URL: "redis://x", DAYS_KEEP_DAYS: "1000" },
    /DAYS_KEEP_DAYS is "1000": expected at least the 1100 of HOURS_KEEP_DAYS/,
  ],
])("%s with a wrong setting ends with a sentence that names it (%#)", async (file, settings, sentence) => {
  const program = start(file, settings);
  expect(await ended(program)).toBe(2);
  expect(program.output()).toMatch(sentence);
});

test("an API that is told to stop answers what is in hand, drains, and ends with 0; the worker too", async () => {
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
  const settings = {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V1_ENABLED: "true",
    V2_ENABLED: "true",
    V3_ENABLED: "true",
    V3_TOPIC: name,
    V3_GROUP: name,
    PORT: "0",
    METRICS_PORT: "0",
  };
  const workers = ["v1", "v2", "v3"].map((mode) =>
    start("services/worker/main.ts", { ...settings, MODE: mode }),
  );
  const api = start("services/order-api/main.ts", settings);
  await until("the API listens", () => /listening at (http:\S+)"/.test(api.output()));
  const url = /listening at (http:[^"]+)"/.exec(api.output())?.[1];
  await until("every mode takes orders", async () => {
    const { modes } = (await (await fetch(`${url}/readyz`)).json()) as {
      modes: Record<string, { health: string }>;
    };
    return Object.values(modes).every(({ health }) => health === "ok");
  });
  let accepted = 0;
  let stopping = false;
  const client = async (mode: string): Promise<void> => {
    while (!stopping) {
      const body = JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 });
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/api/${mode}/order`, { method: "POST", headers, body }).catch(
        () => null,
      );
      if (response?.ok) accepted++;
      else if (!response) return;
    }
  };
  const clients = ["v1", "v2", "v3", "v1", "v2", "v3"].map(client);
  await until("orders are accepted", () => accepted > 200);
  expect(await api.kill("SIGTERM"), api.output()).toBe(0);
  stopping = true;
  await Promise.all(clients);
  const pool = poolOn(databaseUrl);
  closers.push(() => pool.end());
  await until("everything accepted is counted", async () => {
    const { rows } = await pool.query<{ orders: string }>(
      "SELECT coalesce(sum(orders), 0) AS orders FROM rollup_hour",
    );
    return Number(rows[0]?.orders) >= accepted;
  });
  for (const worker of workers) expect(await worker.kill("SIGTERM"), worker.output()).toBe(0);
  expect(api.output()).toContain('"msg":"stopped"');
});

test("a program ends with its launcher", async () => {
  const board = await startRedis({ name: "redis-board", role: "board" });
  closers.push(() => board.stop());
  const worker = start("services/worker/main.ts", {
    MODE: "v1",
    DATABASE_URL: await freshDatabase(),
    BOARD_REDIS_URL: board.url,
    METRICS_PORT: "0",
  });
  await until("it counts", () => worker.output().includes('"msg":"counting"'));
  worker.process.stdin?.end();
  expect(await ended(worker)).toBe(0);
});

test("a client that never answers the goodbye does not hold up the API's stop", async () => {
  const board = await startRedis({ name: "redis-board", role: "board" });
  closers.push(() => board.stop());
  const settings = {
    DATABASE_URL: await freshDatabase(),
    BOARD_REDIS_URL: board.url,
    V1_ENABLED: "true",
    PORT: "0",
  };
  const api = start("services/order-api/main.ts", settings);
  await until("the API listens", () => /listening at (http:\S+)"/.test(api.output()));
  const url = /listening at (http:[^"]+)"/.exec(api.output())?.[1] ?? "";
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`);
  closers.push(async () => socket.terminate());
  await once(socket, "message");
  socket.pause();
  const started = Date.now();
  expect(await api.kill("SIGTERM"), api.output()).toBe(0);
  expect(Date.now() - started).toBeLessThan(6_000);
});

test.each([
  { mode: "v1", backend: "the schedule's Redis" },
  { mode: "v2", backend: "the stream's Redis" },
])("a worker stops in time while $backend hangs", async ({ mode }) => {
  const [board, stream] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
  ]);
  closers.push(
    () => board.stop(),
    () => stream.stop(),
  );
  const worker = start("services/worker/main.ts", {
    MODE: mode,
    DATABASE_URL: await freshDatabase(),
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    METRICS_PORT: "0",
  });
  await until("it counts", () => worker.output().includes('"msg":"counting"'));
  const server = mode === "v1" ? board : stream;
  server.pause();
  const started = Date.now();
  const status = await worker.kill("SIGTERM");
  server.resume();
  expect(status, worker.output()).toBe(0);
  expect(Date.now() - started).toBeLessThan(12_000);
});
