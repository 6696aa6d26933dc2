/** Backends that reject orders although they answer: /readyz reports it with the reason, and the recovery. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { adoptRestored } from "#shared/modes/direct/count-stored.ts";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { whileHeld } from "#shared/store/store.fixture.ts";
import { withRedis } from "../../dev/system/database.ts";
import { freshName, silent, until } from "../../test/fresh.ts";
import { getJson, postOrder, type Ready, readinessOf } from "../../test/requests.ts";
import { type System, type SystemOptions, startSystem } from "../../test/system.ts";

let system: System;
const start = async (options: SystemOptions): Promise<void> => {
  system = await startSystem(options);
  onTestFinished(system.close);
};
const post = (mode: string): Promise<Response> => postOrder(system.url, mode);
const typeOf = async (mode: string): Promise<string> =>
  ((await (await post(mode)).json()) as { type: string }).type;

const ready = (mode: string): Promise<Ready> => readinessOf(system.url, mode);
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
const verified = async (): Promise<unknown> => {
  const setup = await getJson<{ modes: { verified: unknown }[] }>(`${system.url}/api/setup`);
  return setup.modes[0]?.verified;
};
/** New connections are verified; existing ones keep the old settings or belong to the old cluster. */
const endIntakeSessions = () =>
  system.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'coffee-v1-intake' AND datname = current_database()`,
  );

/** In a session of another database of the same server. */
const inServer = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  await client.query(sql).finally(() => client.end());
};

/** One system for all tests of a block, each of which ends with a mode that accepts orders. */
const startForAll = (options: SystemOptions): void => {
  beforeAll(async () => {
    system = await startSystem({ ...options, workers: false });
  });
  afterAll(() => system.close());
};

describe("v1 is not ready, and recovers, when PostgreSQL", () => {
  startForAll({ modes: ["v1"] });

  test("is a restored database, until a worker has adopted it", async () => {
    await system.pool.query("UPDATE meta SET system_identifier = 1");
    await endIntakeSessions();
    await until("v1 rejects orders", async () => (await post("v1")).status === 503);
    expect((await post("v1")).status).toBe(503);
    expect(await adoptRestored(system.pool, { source: "v1", part: 0 })).not.toBeNull();
    await until("v1 accepts orders again", async () => (await post("v1")).status === 201);
  });

  test("is read-only", async () => {
    const database = new URL(system.databaseUrl).pathname.slice(1);
    const setReadOnly = (value: string) =>
      system.pool.query(`ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`);
    await setReadOnly("on");
    await endIntakeSessions();
    await untilRefused("v1", /read-only transaction/);
    expect(await typeOf("v1")).toBe("backend-away");
    await setReadOnly("off");
    await untilReady("v1");
    expect((await post("v1")).status).toBe(201);
    expect(await verified()).toMatchObject({ synchronous_commit: "on" });
  });

  test("lets the role open no connection", async () => {
    const database = new URL(system.databaseUrl).pathname.slice(1);
    const allow = (value: boolean) => inServer(`ALTER DATABASE ${database} ALLOW_CONNECTIONS ${value}`);
    await allow(false);
    await inServer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
    await untilRefused("v1", /not currently accepting connections/);
    expect(await typeOf("v1")).toBe("backend-away");
    await allow(true);
    await untilReady("v1");
  });

  test("has no table of orders", async () => {
    await system.pool.query("ALTER TABLE orders RENAME TO others");
    await untilRefused("v1", /relation "orders" does not exist/);
    expect(await typeOf("v1")).toBe("backend-away");
    await system.pool.query("ALTER TABLE others RENAME TO orders");
    await untilReady("v1");
    expect((await post("v1")).status).toBe(201);
  });

  test("has a lock on the orders", async () => {
    await whileHeld(system.pool, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", () =>
      untilRefused("v1", /no answer|timeout/),
    );
    await untilReady("v1");
  });
});

describe("v2 is not ready, and recovers, when its Redis", () => {
  startForAll({ modes: ["v2"] });

  test.each([
    ["is full", { maxmemory: "1mb" }, { maxmemory: "1gb" }, /OOM/],
    ["misses replicas", { "min-replicas-to-write": "1" }, { "min-replicas-to-write": "0" }, /NOREPLICAS/],
    [
      "does not fsync each write",
      { appendfsync: "everysec" },
      { appendfsync: "always" },
      /appendfsync=everysec, not always: a crash/,
    ],
    [
      "may evict the stream",
      { "maxmemory-policy": "allkeys-lru" },
      { "maxmemory-policy": "noeviction" },
      /maxmemory-policy=allkeys-lru/,
    ],
  ])("%s", async (_, wrong, right, reason) => {
    const configure = (settings: Record<string, string>): Promise<unknown> =>
      withRedis(system.stream.url, (redis) => redis.config("SET", ...Object.entries(settings).flat()));
    await configure(wrong);
    await untilRefused("v2", reason);
    expect(await typeOf("v2")).toBe("backend-away");
    await configure(right);
    await untilReady("v2");
    expect((await post("v2")).status).toBe(202);
    expect(await verified()).toMatchObject({ appendonly: "yes", appendfsync: "always" });
  });

  test("cannot save a snapshot", async () => {
    await withRedis(system.stream.url, async (redis) => {
      const [, folder = ""] = (await redis.config("GET", "dir")) as string[];
      const [, name = ""] = (await redis.config("GET", "dbfilename")) as string[];
      const inTheWay = join(folder, name);
      mkdirSync(join(inTheWay, "not-empty"), { recursive: true });
      // only a server that saves by itself refuses writes when that fails
      await redis.config("SET", "save", "3600 1");
      const trySave = () => redis.bgsave().catch(() => undefined);
      await trySave();
      await untilRefused("v2", /MISCONF/);
      expect(await typeOf("v2")).toBe("backend-away");
      rmSync(inTheWay, { recursive: true });
      await until("a snapshot is saved", async () => {
        await trySave();
        return /rdb_last_bgsave_status:ok/.test(await redis.info("persistence"));
      });
      await redis.config("SET", "save", "");
      await untilReady("v2");
    });
  });

  test("is a replica, or has another type of value under the stream's key", async () => {
    await withRedis(system.stream.url, async (redis) => {
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
  });
});

test("v3 is not ready, and recovers, when its topic has too few replicas, is compacted, or is deleted", async () => {
  const topic = freshName("orders");
  await start({ modes: ["v3"], workers: false, env: { V3_TOPIC: topic, V3_GROUP: topic } });
  expect(await verified()).toMatchObject({
    acks: "-1",
    "min.insync.replicas": "1",
    "cleanup.policy": "delete",
  });
  const kafka = openKafka({ kafkaBrokers: inject("kafkaBrokers") }, "test", silent, "patient").admin();
  await kafka.connect();
  onTestFinished(() => kafka.disconnect());
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
  expect((await post("v3")).status).toBe(202);
  await kafka.deleteTopics({ topics: [topic] });
  await untilRefused("v3", /./);
  await kafka.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
  await untilReady("v3");
});
