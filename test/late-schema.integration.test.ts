/** What the chart relies on where it runs PostgreSQL itself: programs that start before the migrations wait for them. */
import { afterEach, expect, inject, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { migrate } from "../db/migrate.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { countedAt, listeningAt, order } from "./api-process.ts";
import { freshDatabase, freshName, type Program, startProgram, until } from "./fresh.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});
const start = (file: string, settings: Record<string, string>): Program => {
  const program = startProgram(file, settings);
  closers.push(() => program.kill("SIGKILL"));
  return program;
};

test("programs on an empty database take and count orders once it is migrated", async () => {
  const [board, stream, databaseUrl] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    freshDatabase(inject("postgresUrl"), "template1"),
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
    V3_TOPIC: name,
    V3_GROUP: name,
    METRICS_PORT: "0",
    PORT: "0",
  };
  const switches = Object.fromEntries(
    modes.map(({ name: mode }) => [`${mode.toUpperCase()}_ENABLED`, "true"]),
  );
  const api = start("services/order-api/main.ts", { ...settings, ...switches });
  const workers = modes.map(({ name: MODE }) => start("services/worker/main.ts", { ...settings, MODE }));
  const url = await listeningAt(api);
  expect((await order(url, "v1")).status).toBe(503);
  // what can be queued waits there
  await until("v2 takes an order", async () => (await order(url, "v2")).ok);
  await until("every worker has met the empty database", () =>
    workers.every(({ output }) => /does not exist/.test(output())),
  );
  await migrate(databaseUrl, () => undefined);
  for (const { name: mode } of modes)
    await until(`${mode} takes an order`, async () => (await order(url, mode)).ok, 30_000);
  await until(
    "every mode has counted",
    async () => Object.values(await countedAt(url)).every((orders) => orders > 0),
    30_000,
  );
  for (const { process, output } of [api, ...workers]) expect(process.exitCode, output()).toBeNull();
}, 120_000);
