import { describe, expect, test } from "vitest";
import { useStream } from "./stream.fixture.ts";

const { test: here } = useStream();

describe("an entry", () => {
  test("contains its orders, their number, and the number of orders ever added", async () => {
    const { redis, stream, add } = here();
    await add(3, 500, 1);
    const entries = await redis.xrange(stream, "-", "+");
    expect(entries.map(([, fields]) => fields.slice(2))).toEqual([
      ["n", "3", "total", "3"],
      ["n", "500", "total", "503"],
      ["n", "1", "total", "504"],
    ]);
    expect(JSON.parse(entries[2]?.[1][1] ?? "")).toHaveLength(1);
  });

  test("continues from the previous total, also after a trim and beyond 2^31", async () => {
    const { redis, stream, add, take, createGroup, settle } = here();
    const total = async () => (await redis.xrevrange(stream, "+", "-", "COUNT", 1))[0]?.[1].at(-1);
    await redis.xadd(stream, "*", "orders", "[]", "n", "0", "total", "9007199254740000");
    await add(900);
    expect(await total()).toBe("9007199254740900");
    await createGroup();
    await settle("counters", await take(10));
    expect(await redis.trimSettled(stream)).toBe(1);
    await add(7);
    expect(await total()).toBe("9007199254740907");
  });
});

describe("the backlog", () => {
  test("is empty without a stream, and all orders without a group", async () => {
    const { add, backlog } = here();
    expect(await backlog()).toEqual([0, ""]);
    const [first] = await add(5, 6);
    expect(await backlog()).toEqual([11, first]);
  });

  test("counts orders, not entries, until they are acknowledged", async () => {
    const { add, take, backlog, createGroup, settle } = here();
    await createGroup();
    const ids = await add(10, 20, 30, 40);
    expect(await backlog()).toEqual([100, ids[0]]);
    await take(2);
    expect(await backlog()).toEqual([100, ids[0]]);
    await settle("counters", [ids[0]]);
    expect(await backlog()).toEqual([90, ids[1]]);
    await settle("counters", [ids[1]]);
    expect(await backlog()).toEqual([70, ids[2]]);
    await take(9);
    // an entry settled behind the oldest unsettled one still counts
    await settle("counters", [ids[3]]);
    expect(await backlog()).toEqual([70, ids[2]]);
    await settle("counters", [ids[2]]);
    expect(await backlog()).toEqual([0, ""]);
    const [next] = await add(4);
    expect(await backlog()).toEqual([4, next]);
  });

  test("does not change by a claim or a trim, and is separate for each group", async () => {
    const { redis, stream, add, take, backlog, createGroup, settle } = here();
    await createGroup();
    await createGroup("others");
    const ids = await add(10, 20, 30);
    await take(3);
    await settle("counters", [ids[0]]);
    await redis.xautoclaim(stream, "counters", "third", 0, "0-0");
    expect(await backlog()).toEqual([50, ids[1]]);
    expect(await backlog("others")).toEqual([60, ids[0]]);
    await settle("others", await take(3, "others"));
    expect(await redis.trimSettled(stream)).toBe(1);
    expect(await backlog()).toEqual([50, ids[1]]);
    expect(await backlog("others")).toEqual([0, ""]);
  });
});

describe("a trim", () => {
  test("removes nothing without a stream or a group", async () => {
    const { redis, stream, add, ids } = here();
    expect(await redis.trimSettled(stream)).toBe(0);
    await add(1, 1);
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await ids()).toHaveLength(2);
  });

  test("never removes an entry that is pending or unread in one of two groups", async () => {
    const { redis, stream, add, take, ids, createGroup, settle } = here();
    const dice = (sides: number) => Math.floor(Math.random() * sides);
    const groups = ["counters", "others"].map((name) => ({
      name,
      pending: new Set<string>(),
      unread: [] as string[],
    }));
    for (const { name } of groups) await createGroup(name);
    let trimmed = 0;
    for (let round = 0; round < 120; round++) {
      const added = await add(...Array.from({ length: dice(3) }, () => 1));
      for (const { name, pending, unread } of groups) {
        unread.push(...added);
        const taken = dice(3) === 0 ? [] : await take(1 + dice(4), name);
        expect(taken).toEqual(unread.splice(0, taken.length));
        for (const id of taken) pending.add(id);
        // in any order
        for (const id of [...pending]) if (dice(3) === 0 && pending.delete(id)) await settle(name, [id]);
      }
      trimmed += await redis.trimSettled(stream);
      const left = new Set(await ids());
      for (const { name, pending, unread } of groups)
        for (const id of [...pending, ...unread]) expect(left, `${name} needs ${id}`).toContain(id);
    }
    expect(trimmed).toBeGreaterThan(20);
    for (const { name, pending } of groups) {
      if (pending.size > 0) await settle(name, [...pending]);
      for (let rest = await take(100, name); rest.length > 0; rest = await take(100, name))
        await settle(name, rest);
    }
    await redis.trimSettled(stream);
    expect(await ids()).toHaveLength(1);
  });

  test("compares ids as numbers", async () => {
    const { redis, stream, take, ids, createGroup, settle } = here();
    await createGroup();
    await createGroup("others");
    for (const id of ["9-9", "9-10", "10-1", "10-2"])
      await redis.xadd(stream, id, "orders", "[]", "n", "1", "total", "1");
    await take(4);
    await settle("counters", ["9-9"]);
    await take(4, "others");
    await settle("others", ["9-9", "9-10"]);
    expect(await redis.trimSettled(stream)).toBe(1);
    expect(await ids()).toEqual(["9-10", "10-1", "10-2"]);
  });

  test("waits for a group that has read nothing yet", async () => {
    const { redis, stream, add, take, createGroup, settle } = here();
    await createGroup();
    await add(1, 1, 1);
    await createGroup("later");
    await settle("counters", await take(3));
    expect(await redis.trimSettled(stream)).toBe(0);
    expect(await take(3, "later")).toHaveLength(3);
  });
});
