import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { createGroup } from "./consumer.ts";
import { openStreamGround, type StreamGround } from "./stream.fixture.ts";

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

describe("an entry", () => {
  test("holds its orders, how many, and how many there ever were", async () => {
    const { redis, stream, addEach } = ground;
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
    const { redis, stream, add, addEach, take } = ground;
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
    const { addEach, backlog } = ground;
    expect(await backlog()).toEqual([0, ""]);
    const [first] = await addEach(5, 6);
    expect(await backlog()).toEqual([11, first]);
  });

  test("counts orders, not entries, until they are acknowledged", async () => {
    const { redis, stream, add, addEach, take, backlog } = ground;
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
    const { redis, stream, addEach, take, backlog } = ground;
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
    const { redis, stream, addEach, idsIn } = ground;
    expect(await redis.trimSettled(stream)).toBe(0);
    await addEach(1, 1);
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await idsIn()).toHaveLength(2);
  });

  test("never takes what any of two groups has pending or unread", async () => {
    const { redis, stream, addEach, take, idsIn } = ground;
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
    const { redis, stream, take, idsIn } = ground;
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
    const { redis, stream, addEach, take } = ground;
    await createGroup(redis, stream, "counters");
    await addEach(1, 1, 1);
    await createGroup(redis, stream, "later");
    await redis.xack(stream, "counters", ...(await take(3)));
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await take(3, "later")).toHaveLength(3);
  });
});
