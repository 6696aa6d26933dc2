import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { freshDatabase, silent, until } from "../../../test/fresh.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openRights } from "../../runtime/redis.ts";
import { type Consumer, createGroup, openConsumer, type StreamEntry } from "./consumer.ts";
import { type RedisStreamsSettings, redisStreamsKnobs } from "./mode.ts";
import { openRedisStreamsSource } from "./source.ts";
import { openStreamGround, type StreamGround, untilReady } from "./stream.fixture.ts";
import { openReader, openStream } from "./stream.ts";

let server: Server;
let ground: StreamGround;
beforeAll(async () => {
  server = await startRedis({ name: "redis-stream", role: "stream" });
});
afterAll(() => server.stop());
beforeEach(async () => {
  ground = await openStreamGround(server.url);
});
afterEach(() => ground.close());

const settingsWith = (more: Record<string, string>): RedisStreamsSettings =>
  loadSettings(redisStreamsKnobs, {
    STREAM_REDIS_URL: server.url,
    DATABASE_URL: "postgres://postgres@127.0.0.1:1/postgres",
    V2_STREAM: ground.stream,
    V2_GROUP: "counters",
    ...more,
  }) as RedisStreamsSettings;

/** A consumer on connections of its own. */
const consumer = async (slot: number, more: Record<string, string> = {}): Promise<Consumer> => {
  const [reads, commands] = await Promise.all([
    ground.opened(openReader(server.url, `reader-${slot}`, silent)),
    ground.opened(openStream(server.url, `worker-${slot}`, silent)),
  ]);
  const rights = openRights("STREAM_REDIS_URL");
  return openConsumer({ reads, commands, settings: settingsWith(more), slot, rights });
};
const idsOf = (entries: readonly StreamEntry[]): string[] => entries.map(([id]) => id);
/** Reads until something comes; an error is what the next read recovers from. */
const readUntil = async (from: Consumer, ids: number): Promise<string[]> => {
  const got: string[] = [];
  await until("the entries are read", async () => {
    got.push(...idsOf(await from.read().catch(() => [])));
    return got.length >= ids;
  });
  return got;
};

describe("a consumer", () => {
  test("makes its group from the stream's beginning", async () => {
    const { addEach } = ground;
    const ids = await addEach(2, 3);
    expect(await readUntil(await consumer(0), 2)).toEqual(ids);
  });

  test("is given what its name held before, in order, and only then something new", async () => {
    const { redis, stream, addEach, take, backlog } = ground;
    await createGroup(redis, stream, "counters");
    const ids = await addEach(1, 1, 1, 1);
    await take(3, "counters", "slot-4");
    const reader = await consumer(4, { V2_BATCH_MAX_ENTRIES: "2" });
    expect(idsOf(await reader.read())).toEqual(ids.slice(0, 2));
    expect(idsOf(await reader.read())).toEqual(ids.slice(2, 3));
    expect(await readUntil(reader, 1)).toEqual(ids.slice(3));
    await reader.settled(ids);
    expect(await backlog()).toEqual([0, ""]);
  });

  test("claims a dead one's entries after v2ClaimIdleMs, not before", async () => {
    const { redis, stream, addEach, take, backlog } = ground;
    await createGroup(redis, stream, "counters");
    const ids = await addEach(5, 6, 7);
    await take(3, "counters", "slot-0");
    const takenAt = performance.now();
    const living = await consumer(1, { V2_CLAIM_IDLE_MS: "700" });
    expect(await readUntil(living, 3)).toEqual(ids);
    expect(performance.now() - takenAt).toBeGreaterThanOrEqual(690);
    const pending = (await redis.xpending(stream, "counters")) as [
      number,
      string,
      string,
      [string, string][],
    ];
    expect(pending[3]).toEqual([["slot-1", "3"]]);
    await living.settled(ids);
    expect(await backlog()).toEqual([0, ""]);
  });

  test("does not claim what a living one holds", async () => {
    const { redis, stream, addEach, take } = ground;
    await createGroup(redis, stream, "counters");
    await addEach(1, 1);
    await take(2, "counters", "slot-0");
    const other = await consumer(1);
    for (let read = 0; read < 2; read++) expect(await other.read()).toEqual([]);
  });

  test("passes over entries that were deleted while they were pending", async () => {
    const { redis, stream, addEach, take, backlog } = ground;
    await createGroup(redis, stream, "counters");
    const ids = await addEach(1, 1, 1);
    await take(3, "counters", "slot-0");
    await redis.xdel(stream, ids[1] ?? "");
    const reader = await consumer(0);
    const entries = await reader.read();
    expect(idsOf(entries)).toEqual(ids);
    const deliveries = reader.deliveriesOf(entries);
    const origins = deliveries.flatMap((each) =>
      each.kind === "carried" ? each.entries.map(({ origin }) => origin) : [],
    );
    expect(origins).toEqual([ids[0], ids[2]]);
    await reader.settled(idsOf(entries));
    expect(await backlog()).toEqual([0, ""]);
  });

  test("whose reply was lost reads its own pending entries again", async () => {
    const { redis, stream, add, backlog, idsIn } = ground;
    const reader = await consumer(0);
    await add(1);
    const before = await readUntil(reader, 1);
    await reader.settled(before);
    // both commands wait in the server's sockets; their clients have given up when it comes to answering
    server.pause();
    const lost = reader.read();
    const adding = add(3);
    await expect(Promise.all([lost, adding])).rejects.toThrow();
    await expect(lost).rejects.toThrow();
    server.resume();
    await until("the entry was given out, to nobody", async () => {
      const pending = (await redis.xpending(stream, "counters").catch(() => [0])) as [number];
      return pending[0] === 1;
    });
    const id = (await idsIn()).at(-1) ?? "";
    expect(before).not.toContain(id);
    expect(await readUntil(reader, 1)).toEqual([id]);
    await reader.settled([id]);
    expect(await backlog()).toEqual([0, ""]);
  });

  test("recreates its group when Redis was flushed, and reads on", async () => {
    const { redis, add, addEach, backlog } = ground;
    await addEach(2);
    const reader = await consumer(0);
    await readUntil(reader, 1);
    await redis.flushall();
    const id = await add(9);
    expect(await readUntil(reader, 1)).toEqual([id]);
    const waiting = reader.read();
    waiting.catch(() => undefined);
    await redis.flushall();
    await waiting.catch(() => undefined);
    const next = await add(4);
    expect(await readUntil(reader, 1)).toEqual([next]);
    await reader.settled([next]);
    expect(await backlog()).toEqual([0, ""]);
  });
});

describe("deliveries", () => {
  test("are of about v2BatchMaxOrders, and never split an entry", async () => {
    const { addEach } = ground;
    const reader = await consumer(2, { V2_BATCH_MAX_ORDERS: "100" });
    const ids = await addEach(40, 70, 250, 10, 20);
    const got: StreamEntry[] = [];
    await until("all are read", async () => {
      got.push(...(await reader.read().catch(() => [])));
      return got.length === 5;
    });
    const deliveries = reader.deliveriesOf(got);
    expect(
      deliveries.map((each) =>
        each.kind === "carried" ? [each.part, each.position, each.entries.length] : null,
      ),
    ).toEqual([
      [2, ids[1], 2],
      [2, ids[2], 1],
      [2, ids[4], 2],
    ]);
  });
});

test("the source goes on counting after its Redis was flushed, and after it was killed", async () => {
  const { redis, add, backlog, closers } = ground;
  const source = openRedisStreamsSource(settingsWith({ DATABASE_URL: await freshDatabase() }), silent);
  const stopping = new AbortController();
  const origins: string[] = [];
  const running = source.run(async (delivery) => {
    if (delivery.kind === "carried") origins.push(...delivery.entries.map(({ origin }) => origin));
  }, stopping.signal);
  closers.push(async () => {
    stopping.abort();
    await running;
    await source.close();
  });
  const counted = async (id: string) => {
    await until(`${id} is counted`, () => origins.includes(id));
    await until("it is acknowledged", async () => (await backlog())[0] === 0);
  };
  await counted(await add(3));
  await redis.flushall();
  await counted(await add(4));
  await server.kill();
  await sleep(100);
  await server.start();
  await untilReady(redis);
  await counted(await add(5));
});
