import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { freshDatabase, silent, until } from "../../../test/fresh.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openRights } from "../../runtime/redis.ts";
import { type Consumer, openConsumer, type StreamEntry } from "./consumer.ts";
import { type RedisStreamsSettings, redisStreamsKnobs } from "./mode.ts";
import { openRedisStreamsSource } from "./source.ts";
import { opened, untilReady, useStream } from "./stream.fixture.ts";
import { openReader, openStream } from "./stream.ts";

const { server, test: here } = useStream();

const settingsWith = (more: Record<string, string>): RedisStreamsSettings =>
  loadSettings(redisStreamsKnobs, {
    STREAM_REDIS_URL: server().url,
    DATABASE_URL: "postgres://postgres@127.0.0.1:1/postgres",
    V2_STREAM: here().stream,
    V2_GROUP: "counters",
    ...more,
  }) as RedisStreamsSettings;

/** A consumer with its own connections. */
const consumer = async (slot: number, more: Record<string, string> = {}): Promise<Consumer> => {
  const [reads, commands] = await Promise.all([
    opened(openReader(server().url, `reader-${slot}`, silent)),
    opened(openStream(server().url, `worker-${slot}`, silent)),
  ]);
  const rights = openRights("STREAM_REDIS_URL");
  return openConsumer({ reads, commands, settings: settingsWith(more), slot, rights });
};
const idsOf = (entries: readonly StreamEntry[]): string[] => entries.map(([id]) => id);
/** Reads until so many entries have come; the next read recovers from an error. */
const readUntil = async (from: Consumer, count: number): Promise<StreamEntry[]> => {
  const entries: StreamEntry[] = [];
  await until("the entries are read", async () => {
    entries.push(...(await from.read().catch(() => [])));
    return entries.length >= count;
  });
  return entries;
};
const settleAndExpectNone = async (by: Consumer, ids: readonly string[]): Promise<void> => {
  await by.settled(ids);
  expect(await here().backlog()).toEqual([0, ""]);
};

describe("a consumer", () => {
  test("creates its group at the start of the stream", async () => {
    const ids = await here().add(2, 3);
    expect(idsOf(await readUntil(await consumer(0), 2))).toEqual(ids);
  });

  test("reads the pending entries of its name first, in order, and then new ones", async () => {
    const { add, take, createGroup } = here();
    await createGroup();
    const ids = await add(1, 1, 1, 1);
    await take(3, "counters", "slot-4");
    const reader = await consumer(4, { V2_BATCH_MAX_ENTRIES: "2" });
    expect(idsOf(await reader.read())).toEqual(ids.slice(0, 2));
    expect(idsOf(await reader.read())).toEqual(ids.slice(2, 3));
    expect(idsOf(await readUntil(reader, 1))).toEqual(ids.slice(3));
    await settleAndExpectNone(reader, ids);
  });

  test("claims the entries of a dead one after v2ClaimIdleMs, not before", async () => {
    const { redis, stream, add, take, createGroup } = here();
    await createGroup();
    const ids = await add(5, 6, 7);
    await take(3, "counters", "slot-0");
    const takenAt = performance.now();
    const living = await consumer(1, { V2_CLAIM_IDLE_MS: "700" });
    expect(idsOf(await readUntil(living, 3))).toEqual(ids);
    expect(performance.now() - takenAt).toBeGreaterThanOrEqual(690);
    const [, , , owners] = (await redis.xpending(stream, "counters")) as unknown[];
    expect(owners).toEqual([["slot-1", "3"]]);
    await settleAndExpectNone(living, ids);
  });

  test("does not claim the entries of a living one", async () => {
    const { add, take, createGroup } = here();
    await createGroup();
    await add(1, 1);
    await take(2, "counters", "slot-0");
    const other = await consumer(1, { V2_CLAIM_IDLE_MS: "3600000" });
    for (let read = 0; read < 2; read++) expect(await other.read()).toEqual([]);
  });

  test("skips entries that were deleted while they were pending", async () => {
    const { redis, stream, add, take, createGroup } = here();
    await createGroup();
    const ids = await add(1, 1, 1);
    await take(3, "counters", "slot-0");
    await redis.xdel(stream, ids[1] ?? "");
    const reader = await consumer(0);
    const entries = await reader.read();
    expect(idsOf(entries)).toEqual(ids);
    const origins = reader
      .deliveriesOf(entries)
      .flatMap((each) => (each.kind === "carried" ? each.entries.map(({ origin }) => origin) : []));
    expect(origins).toEqual([ids[0], ids[2]]);
    await settleAndExpectNone(reader, ids);
  });

  test("reads its own pending entries again after a lost reply", async () => {
    const { redis, stream, add, ids } = here();
    const reader = await consumer(0);
    await add(1);
    const before = idsOf(await readUntil(reader, 1));
    await reader.settled(before);
    // both commands wait in the server's sockets, and their clients give up before it answers
    await server().pause();
    const lost = reader.read();
    const adding = add(3);
    await expect(Promise.all([lost, adding])).rejects.toThrow();
    await expect(lost).rejects.toThrow();
    await server().resume();
    await until("the entry is delivered to the lost reply", async () => {
      const pending = (await redis.xpending(stream, "counters").catch(() => [0])) as [number];
      return pending[0] === 1;
    });
    const id = (await ids()).at(-1) ?? "";
    expect(before).not.toContain(id);
    expect(idsOf(await readUntil(reader, 1))).toEqual([id]);
    await settleAndExpectNone(reader, [id]);
  });

  test("recreates its group after Redis was flushed, and continues to read", async () => {
    const { redis, add } = here();
    await add(2);
    const reader = await consumer(0);
    await readUntil(reader, 1);
    await redis.flushall();
    const ids = await add(9);
    expect(idsOf(await readUntil(reader, 1))).toEqual(ids);
    const waiting = reader.read().catch(() => undefined);
    await redis.flushall();
    await waiting;
    const next = await add(4);
    expect(idsOf(await readUntil(reader, 1))).toEqual(next);
    await settleAndExpectNone(reader, next);
  });

  test("delivers about v2BatchMaxOrders at a time, and never splits an entry", async () => {
    const reader = await consumer(2, { V2_BATCH_MAX_ORDERS: "100" });
    const ids = await here().add(40, 70, 250, 10, 20);
    const deliveries = reader.deliveriesOf(await readUntil(reader, 5));
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

test("the source continues to count after its Redis was flushed, and after it was killed", async () => {
  const { redis, add, backlog } = here();
  const source = openRedisStreamsSource(settingsWith({ DATABASE_URL: await freshDatabase() }), silent);
  const stopping = new AbortController();
  const origins: string[] = [];
  const running = source.run(async (delivery) => {
    if (delivery.kind === "carried") origins.push(...delivery.entries.map(({ origin }) => origin));
  }, stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
    await source.close();
  });
  const addAndAwait = async (orders: number) => {
    const [id = ""] = await add(orders);
    await until(`${id} is counted`, () => origins.includes(id));
    await until("it is acknowledged", async () => (await backlog())[0] === 0);
  };
  await addAndAwait(3);
  await redis.flushall();
  await addAndAwait(4);
  await server().kill();
  await sleep(100);
  await server().start();
  await untilReady(redis);
  await addAndAwait(5);
});
