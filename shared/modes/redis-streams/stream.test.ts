import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis } from "../../../dev/servers/redis.ts";
import type { Server } from "../../../dev/servers/server.ts";
import { freshDatabase, freshName, silent, someOrders, until } from "../../../test/fresh.ts";
import { loadSettings } from "../../runtime/config.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { type Consumer, createGroup, openConsumer, type StreamEntry } from "./consumer.ts";
import { type RedisStreamsSettings, redisStreamsKnobs } from "./knobs.ts";
import { openRedisStreamsSource } from "./source.ts";
import { openReader, openStream, type StreamClient } from "./stream.ts";

let server: Server;
let redis: StreamClient;
let stream: string;
let settings: RedisStreamsSettings;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startRedis({ name: "redis-stream", role: "stream" });
});
afterAll(() => server.stop());
beforeEach(async () => {
  stream = freshName("orders");
  settings = settingsWith({});
  redis = opened(openStream(server.url, "test", silent));
  await untilReady(redis);
});
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

const opened = (client: StreamClient): StreamClient => {
  closers.push(() => closeRedis(client));
  return client;
};
const untilReady = (client: StreamClient) =>
  until("Redis answers", () =>
    client.ping().then(
      () => true,
      () => false,
    ),
  );
const settingsWith = (more: Record<string, string>): RedisStreamsSettings =>
  loadSettings(redisStreamsKnobs, {
    STREAM_REDIS_URL: server.url,
    DATABASE_URL: "postgres://postgres@127.0.0.1:1/postgres",
    V2_STREAM: stream,
    V2_GROUP: "counters",
    ...more,
  }) as RedisStreamsSettings;

/** A consumer on connections of its own. */
const consumer = async (slot: number, more: Record<string, string> = {}): Promise<Consumer> => {
  const reads = opened(openReader(server.url, `reader-${slot}`, silent));
  const commands = opened(openStream(server.url, `worker-${slot}`, silent));
  await Promise.all([untilReady(reads), untilReady(commands)]);
  return openConsumer(reads, commands, { ...settings, ...settingsWith(more) }, slot);
};
const add = (orders: number, seed = 1): Promise<string> =>
  redis.addOrders(stream, orders, encodeOrders(someOrders(orders, seed)));
const addEach = async (...sizes: number[]): Promise<string[]> => {
  const ids: string[] = [];
  for (const size of sizes) ids.push(await add(size));
  return ids;
};
/** Reads with the group as some consumer, without the product's code around it. */
const take = async (count: number, group = "counters", name = "other"): Promise<string[]> => {
  const reply = (await redis.xreadgroup("GROUP", group, name, "COUNT", count, "STREAMS", stream, ">")) as
    | [string, [string, string[]][]][]
    | null;
  return reply?.[0]?.[1].map(([id]) => id) ?? [];
};
const backlog = async (group = "counters"): Promise<[number, string]> => {
  const [orders, oldest] = await redis.backlogOf(stream, group);
  return [Number(orders), oldest];
};
const idsIn = async (): Promise<string[]> => (await redis.xrange(stream, "-", "+")).map(([id]) => id);
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

describe("an entry", () => {
  test("holds its orders, how many, and how many there ever were", async () => {
    await addEach(3, 500, 1);
    const entries = await redis.xrange(stream, "-", "+");
    expect(entries.map(([, fields]) => [fields[2], fields[3], fields[4], fields[5]])).toEqual([
      ["n", "3", "total", "3"],
      ["n", "500", "total", "503"],
      ["n", "1", "total", "504"],
    ]);
    expect(JSON.parse(entries[2]?.[1][1] ?? "")).toHaveLength(1);
  });

  test("goes on from the total before, also after a trim and beyond 2^31", async () => {
    await redis.xadd(stream, "*", "orders", "[]", "n", "0", "total", "9007199254740000");
    await addEach(900);
    const [last] = await redis.xrevrange(stream, "+", "-", "COUNT", 1);
    expect(last?.[1].at(-1)).toBe("9007199254740900");
    await createGroup(redis, stream, "counters");
    await redis.xack(stream, "counters", ...(await take(10)));
    expect(await redis.trimSettled(stream)).toBe(1);
    await add(7);
    expect((await redis.xrevrange(stream, "+", "-", "COUNT", 1))[0]?.[1].at(-1)).toBe("9007199254740907");
  });
});

describe("the backlog", () => {
  test("is nothing without a stream, and everything without a group", async () => {
    expect(await backlog()).toEqual([0, ""]);
    const [first] = await addEach(5, 6);
    expect(await backlog()).toEqual([11, first]);
  });

  test("counts orders, not entries, until they are acknowledged", async () => {
    await createGroup(redis, stream, "counters");
    const ids = await addEach(10, 20, 30, 40);
    expect(await backlog()).toEqual([100, ids[0]]);
    await take(2);
    expect(await backlog()).toEqual([100, ids[0]]);
    await redis.xack(stream, "counters", ids[0] ?? "");
    expect(await backlog()).toEqual([90, ids[1]]);
    await redis.xack(stream, "counters", ids[1] ?? "");
    expect(await backlog()).toEqual([70, ids[2]]);
    await take(9);
    await redis.xack(stream, "counters", ids[3] ?? "");
    // what was settled behind the oldest that is not counts with it
    expect(await backlog()).toEqual([70, ids[2]]);
    await redis.xack(stream, "counters", ids[2] ?? "");
    expect(await backlog()).toEqual([0, ""]);
    const next = await add(4);
    expect(await backlog()).toEqual([4, next]);
  });

  test("stays through a claim and a trim, and is each group's own", async () => {
    await createGroup(redis, stream, "counters");
    await createGroup(redis, stream, "others");
    const ids = await addEach(10, 20, 30);
    await take(3);
    await redis.xack(stream, "counters", ids[0] ?? "");
    await redis.xautoclaim(stream, "counters", "third", 0, "0-0");
    expect(await backlog()).toEqual([50, ids[1]]);
    expect(await backlog("others")).toEqual([60, ids[0]]);
    await redis.xack(stream, "others", ...(await take(3, "others")));
    expect(await redis.trimSettled(stream)).toBe(1);
    expect(await backlog()).toEqual([50, ids[1]]);
    expect(await backlog("others")).toEqual([0, ""]);
  });
});

describe("a trim", () => {
  test("without a stream or a group takes nothing", async () => {
    expect(await redis.trimSettled(stream)).toBe(0);
    await addEach(1, 1);
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await idsIn()).toHaveLength(2);
  });

  test("never takes what any of two groups has pending or unread", async () => {
    await createGroup(redis, stream, "counters");
    await createGroup(redis, stream, "others");
    const held = new Map<string, Set<string>>([
      ["counters", new Set()],
      ["others", new Set()],
    ]);
    const unread = new Map<string, string[]>([
      ["counters", []],
      ["others", []],
    ]);
    const dice = (sides: number) => Math.floor(Math.random() * sides);
    let trimmed = 0;
    for (let round = 0; round < 120; round++) {
      for (const id of await addEach(...Array.from({ length: dice(3) }, () => 1)))
        for (const list of unread.values()) list.push(id);
      for (const [group, pending] of held) {
        const taken = dice(3) === 0 ? [] : await take(1 + dice(4), group);
        expect(taken).toEqual(unread.get(group)?.splice(0, taken.length));
        for (const id of taken) pending.add(id);
        // out of order: any of them may be settled first
        for (const id of [...pending])
          if (dice(3) === 0 && pending.delete(id)) await redis.xack(stream, group, id);
      }
      trimmed += await redis.trimSettled(stream);
      const left = new Set(await idsIn());
      for (const [group, pending] of held)
        for (const id of [...pending, ...(unread.get(group) ?? [])])
          expect(left, `${group} needs ${id}`).toContain(id);
    }
    expect(trimmed).toBeGreaterThan(20);
    for (const [group, pending] of held) {
      if (pending.size > 0) await redis.xack(stream, group, ...pending);
      for (let ids = await take(100, group); ids.length > 0; ids = await take(100, group))
        await redis.xack(stream, group, ...ids);
    }
    await redis.trimSettled(stream);
    expect((await idsIn()).length).toBe(1);
  });

  test("compares ids as numbers", async () => {
    await createGroup(redis, stream, "counters");
    await createGroup(redis, stream, "others");
    for (const id of ["9-9", "9-10", "10-1", "10-2"])
      await redis.xadd(stream, id, "orders", "[]", "n", "1", "total", "1");
    await take(4);
    await redis.xack(stream, "counters", "9-9");
    await take(4, "others");
    await redis.xack(stream, "others", "9-9", "9-10");
    expect(await redis.trimSettled(stream)).toBe(1);
    expect(await idsIn()).toEqual(["9-10", "10-1", "10-2"]);
  });

  test("waits for a group that has read nothing yet", async () => {
    await createGroup(redis, stream, "counters");
    await addEach(1, 1, 1);
    await createGroup(redis, stream, "later");
    await redis.xack(stream, "counters", ...(await take(3)));
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await take(3, "later")).toHaveLength(3);
  });
});

describe("a consumer", () => {
  test("makes its group from the stream's beginning", async () => {
    const ids = await addEach(2, 3);
    expect(await readUntil(await consumer(0), 2)).toEqual(ids);
  });

  test("is given what its name held before, in order, and only then something new", async () => {
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
    await createGroup(redis, stream, "counters");
    await addEach(1, 1);
    await take(2, "counters", "slot-0");
    const other = await consumer(1);
    for (let read = 0; read < 2; read++) expect(await other.read()).toEqual([]);
  });

  test("passes over entries that were deleted while they were pending", async () => {
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
