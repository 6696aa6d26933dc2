/** The programs as processes: wrong settings, a late schema, signals, and servers that hang while they stop. */
import { once } from "node:events";
import { v7 as newOrderId } from "uuid";
import { expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { type OrderSocket, openOrderSocket } from "#shared/client/orders.ts";
import { modes } from "#shared/modes/all.ts";
import { migrate } from "../db/migrate.ts";
import { numberOf } from "../dev/system/database.ts";
import { freshDatabase, poolForTest, until } from "./fresh.ts";
import { API, processesForTest, startProgram, untilCounted, WORKER } from "./processes.ts";
import { areModesOk, LATTE, postOrder } from "./requests.ts";

const names = modes.map(({ name }) => name);
const PASSWORD = "s3cretOfTheTest";
const SERVERS = { DATABASE_URL: "postgres://x/y", BOARD_REDIS_URL: "redis://x", KAFKA_BROKERS: "x:1" };
const V1 = { ...SERVERS, V1_ENABLED: "true" };

test.concurrent.each<[string, RegExp, Record<string, string>]>([
  [API, /DATABASE_URL is not set: expected .*postgres/, {}],
  [API, /No mode is on: set V1_ENABLED, V2_ENABLED, V3_ENABLED/, SERVERS],
  [API, /STREAM_REDIS_URL is not set/, { ...V1, V2_ENABLED: "true" }],
  [API, /CATALOGUE_FILE is "\/nowhere.json"/, { ...V1, CATALOGUE_FILE: "/nowhere.json" }],
  [API, /DATABASE_URL is "m/, { ...V1, DATABASE_URL: `mysql://coffee:${PASSWORD}@db/coffee` }],
  [API, /DATABASE_URL is "c/, { ...V1, DATABASE_URL: `coffee:${PASSWORD}@db/coffee` }],
  [API, /BOARD_REDIS_URL is/, { ...V1, BOARD_REDIS_URL: `http://:${PASSWORD}@board` }],
  [API, /KAFKA_BROKERS is/, { ...V1, V3_ENABLED: "true", KAFKA_BROKERS: `kafka+ssl://u:${PASSWORD}@b:1` }],
  [WORKER, /MODE is "v9": expected one of v1, v2, v3/, { ...SERVERS, MODE: "v9" }],
  [
    WORKER,
    /ORDERS_KEEP_DAYS is "44": expected at least 45, because V3_RETENTION_HOURS is "168"/,
    { ...SERVERS, MODE: "v3", ORDERS_KEEP_DAYS: "44" },
  ],
  [
    WORKER,
    /DAYS_KEEP_DAYS is "1000": expected at least the 1100 of HOURS_KEEP_DAYS/,
    { ...SERVERS, MODE: "v1", DAYS_KEEP_DAYS: "1000" },
  ],
])("%s exits with 2 and prints %s, without a password", async (file, message, settings) => {
  const program = startProgram(file, settings);
  expect(await program.ended).toBe(2);
  expect(program.output()).toMatch(message);
  expect(program.output()).not.toContain(PASSWORD);
});

test("programs that start before the migrations wait for them, then accept and count orders", async () => {
  const { databaseUrl, startApi, startWorker } = await processesForTest(
    await freshDatabase(inject("postgresUrl"), "template1"),
  );
  const workers = names.map((mode) => startWorker(mode));
  const api = await startApi(names);
  expect((await postOrder(api.url, "v1")).status).toBe(503);
  // an order that is queued needs no table
  await until("v2 accepts an order", async () => (await postOrder(api.url, "v2")).ok);
  await until("every worker has found no table", () =>
    workers.every(({ output }) => /does not exist/.test(output())),
  );
  await migrate(databaseUrl, () => undefined);
  await untilCounted(api.url, names);
  for (const { process, output } of [api, ...workers]) expect(process.exitCode, output()).toBeNull();
});

test("after SIGTERM the API answers pending requests, all accepted orders are counted, and all exit with 0", async () => {
  const { databaseUrl, startApi, startWorker } = await processesForTest();
  const workers = names.map((mode) => startWorker(mode));
  const api = await startApi(names);
  await until("every mode accepts orders", () => areModesOk(api.url));
  let accepted = 0;
  let stopping = false;
  const client = async (mode: string): Promise<void> => {
    while (!stopping) {
      const response = await postOrder(api.url, mode).catch(() => null);
      if (response?.ok) accepted++;
      else if (!response) return;
    }
  };
  const sockets = await Promise.all(names.map((mode) => openOrderSocket({ url: api.url, mode })));
  /** One of 20 that share a socket. */
  const sender = async (socket: OrderSocket): Promise<void> => {
    for (;;) {
      const result = await socket.send({ id: newOrderId(), ...LATTE }).catch(() => null);
      if (result === null) return;
      if ("status" in result) accepted++;
    }
  };
  const senders = sockets.flatMap((socket) => Array.from({ length: 20 }, () => sender(socket)));
  const clients = [...[...names, ...names].map(client), ...senders];
  await until("orders are accepted", () => accepted > 2_000);
  expect(await api.kill("SIGTERM"), api.output()).toBe(0);
  expect(api.output()).toContain('"msg":"stopped"');
  stopping = true;
  await Promise.all(clients);
  for (const { closed } of sockets)
    expect(await closed).toEqual({ code: 1001, reason: "the server is stopping" });
  const pool = poolForTest(databaseUrl);
  const counted = () => numberOf(pool, "SELECT coalesce(sum(orders), 0) FROM rollup_hour");
  await until("every accepted order is counted", async () => (await counted()) >= accepted);
  for (const worker of workers) expect(await worker.kill("SIGTERM"), worker.output()).toBe(0);
});

test("a program exits when its standard input ends", async () => {
  const { startWorker } = await processesForTest();
  const worker = startWorker("v1");
  await until("it counts", () => worker.output().includes('"msg":"counting"'));
  worker.process.stdin?.end();
  expect(await worker.ended).toBe(0);
});

// a program that exceeds its deadline exits with 1; both deadlines are for a machine that is ten times busier

test("a WebSocket client that does not answer the close frame does not delay the API's stop", async () => {
  const { startApi } = await processesForTest();
  // less than the 30 s after which ws closes such a connection itself
  const api = await startApi(["v1"], { STOP_DEADLINE_MS: "25000" });
  const socket = new WebSocket(`${api.url.replace("http", "ws")}/ws/dashboard`);
  try {
    await once(socket, "message");
    socket.pause();
    expect(await api.kill("SIGTERM"), api.output()).toBe(0);
  } finally {
    socket.terminate();
  }
});

test.each([
  { mode: "v1", server: "board" },
  { mode: "v2", server: "stream" },
] as const)("a worker of $mode stops although the Redis of its $server hangs", async ({ mode, server }) => {
  const { startWorker, ...servers } = await processesForTest();
  const worker = startWorker(mode, { STOP_DEADLINE_MS: "60000" });
  await until("it counts", () => worker.output().includes('"msg":"counting"'));
  await servers[server].pause();
  try {
    expect(await worker.kill("SIGTERM"), worker.output()).toBe(0);
  } finally {
    await servers[server].resume();
  }
});
