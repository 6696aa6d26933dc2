/** A backend that answers and refuses orders: its mode is not ready, says why, and recovers by itself. */
import { afterEach, expect, inject, test } from "vitest";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { order } from "../../test/api-process.ts";
import { freshName, silent, until } from "../../test/fresh.ts";
import { type System, startSystem } from "../../test/system.ts";

let system: System;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
  await system.close();
});

type Ready = { code: number; health: string | undefined; reason: string };
const ready = async (mode: string): Promise<Ready> => {
  const response = await fetch(`${system.url}/readyz`);
  const { modes } = (await response.json()) as { modes: Record<string, { health: string; reason?: string }> };
  return { code: response.status, health: modes[mode]?.health, reason: modes[mode]?.reason ?? "" };
};
const untilRefused = (mode: string, reason: RegExp): Promise<void> =>
  until(`${mode} is not ready because of ${reason}`, async () => {
    const found = await ready(mode);
    return found.code === 503 && found.health === "unavailable" && reason.test(found.reason);
  });
const untilReady = (mode: string): Promise<void> =>
  until(`${mode} is ready`, async () => {
    const found = await ready(mode);
    return found.code === 200 && found.health === "ok" && found.reason === "";
  });
const typeOf = async (mode: string): Promise<string> =>
  ((await (await order(system.url, mode)).json()) as { type: string }).type;
const verifiedOf = async (): Promise<unknown> => {
  const setup = (await (await fetch(`${system.url}/api/setup`)).json()) as { modes: { verified: unknown }[] };
  return setup.modes[0]?.verified;
};

test("v1 is not ready while PostgreSQL is read-only", async () => {
  system = await startSystem({ modes: ["v1"], workers: false });
  const database = new URL(system.databaseUrl).pathname.slice(1);
  const endSessions = () =>
    system.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = $2",
      ["coffee-v1-intake", database],
    );
  await system.pool.query(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await endSessions();
  await untilRefused("v1", /read-only transaction/);
  expect(await typeOf("v1")).toBe("backend-away");
  await system.pool.query(`ALTER DATABASE ${database} SET default_transaction_read_only = off`);
  await untilReady("v1");
  expect((await order(system.url, "v1")).status).toBe(201);
  expect(await verifiedOf()).toMatchObject({ synchronous_commit: "on" });
});

test("v1 is not ready while the orders are locked", async () => {
  system = await startSystem({ modes: ["v1"], workers: false });
  const holder = await system.pool.connect();
  await holder.query(
    "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
  );
  await untilRefused("v1", /no answer|timeout/);
  await holder.query("ROLLBACK");
  holder.release(true);
  await untilReady("v1");
});

const admin = async () => {
  const redis = openRedis(
    system.stream.url,
    { ...redisOptions("test"), enableOfflineQueue: true },
    () => undefined,
  );
  closers.push(() => closeRedis(redis));
  return redis;
};

test.each([
  ["its memory is full", { maxmemory: "1mb" }, { maxmemory: "1gb" }, /OOM/],
  ["it misses replicas", { "min-replicas-to-write": "1" }, { "min-replicas-to-write": "0" }, /NOREPLICAS/],
  [
    "it does not fsync each write",
    { appendfsync: "everysec" },
    { appendfsync: "always" },
    /appendfsync=everysec, not always: a crash/,
  ],
  [
    "it may evict the stream",
    { "maxmemory-policy": "allkeys-lru" },
    { "maxmemory-policy": "noeviction" },
    /maxmemory-policy=allkeys-lru/,
  ],
])("v2 is not ready while its Redis refuses orders: %s", async (_, wrong, right, reason) => {
  system = await startSystem({ modes: ["v2"], workers: false });
  const redis = await admin();
  await redis.config("SET", ...Object.entries(wrong).flat());
  await untilRefused("v2", reason);
  expect(await typeOf("v2")).toBe("backend-away");
  await redis.config("SET", ...Object.entries(right).flat());
  await untilReady("v2");
  expect((await order(system.url, "v2")).status).toBe(202);
  expect(await verifiedOf()).toMatchObject({ appendonly: "yes", appendfsync: "always" });
});

test("v2 is not ready while its Redis is a replica, or another kind of value has the stream's key", async () => {
  system = await startSystem({ modes: ["v2"], workers: false });
  const redis = await admin();
  await redis.call("REPLICAOF", "127.0.0.1", "1");
  await untilRefused("v2", /READONLY/);
  expect(await typeOf("v2")).toBe("backend-away");
  await redis.call("REPLICAOF", "NO", "ONE");
  await untilReady("v2");
  await redis.set("coffee:orders", "something else");
  await untilRefused("v2", /WRONGTYPE/);
  await redis.del("coffee:orders");
  await untilReady("v2");
});

test("v3 is not ready while its topic has too few in-sync replicas, is compacted, or is gone", async () => {
  const topic = freshName("orders");
  system = await startSystem({ modes: ["v3"], workers: false, env: { V3_TOPIC: topic, V3_GROUP: topic } });
  expect(await verifiedOf()).toMatchObject({
    acks: "-1",
    "min.insync.replicas": "1",
    "cleanup.policy": "delete",
  });
  const kafka = openKafka(inject("kafkaBrokers"), "test", silent, "patient").admin();
  await kafka.connect();
  closers.push(() => kafka.disconnect());
  const configure = (name: string, value: string) =>
    kafka.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: topic, configEntries: [{ name, value }] }],
    });
  await configure("min.insync.replicas", "2");
  await untilRefused("v3", /has 1 in-sync replicas and min.insync.replicas=2/);
  expect(await typeOf("v3")).toBe("backend-away");
  await configure("cleanup.policy", "compact");
  await untilRefused("v3", /cleanup.policy=compact/);
  await configure("retention.bytes", "1000000");
  await untilRefused("v3", /retention.bytes=1000000/);
  await configure("retention.ms", "86400000");
  await untilReady("v3");
  expect((await order(system.url, "v3")).status).toBe(202);
  await kafka.deleteTopics({ topics: [topic] });
  await untilRefused("v3", /./);
  await kafka.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
  await untilReady("v3");
});
