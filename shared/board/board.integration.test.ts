import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRedis } from "../../dev/system/servers/redis.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { until } from "../../test/fresh.ts";
import { type Board, EMPTY_VIEW } from "../domain/board.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "../runtime/redis.ts";
import { type BoardReader, type BoardWriter, openBoardReader, openBoardWriter } from "./board.ts";

let server: Server;
let redis: RedisClient;
let writer: BoardWriter;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startRedis({ name: "redis-board", role: "board" });
});
beforeEach(async () => {
  redis = openRedis(server.url, redisOptions("test"), () => undefined);
  writer = openWriter();
  await untilConnected(writer);
  await redis.flushall();
  return async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
    await closeRedis(redis);
  };
});
afterAll(() => server.stop());

const openWriter = (): BoardWriter => {
  const opened = openBoardWriter(server.url, () => undefined);
  closers.push(() => opened.close());
  return opened;
};
const untilConnected = (...writers: BoardWriter[]): Promise<void> =>
  until("Redis answers", () =>
    Promise.all([redis.ping(), ...writers.map((each) => each.read())]).then(
      () => true,
      () => false,
    ),
  );

const NOW_US = Date.now() * 1_000;
/** `at` is in microseconds after the start of this file. */
const board = (epoch: number, version: number, at: number): Board => ({
  epoch,
  version,
  asOfUs: NOW_US + at,
  storesAsOfUs: NOW_US + at,
  hourStartMs: 0,
  views: { all: { ...EMPTY_VIEW, orders: version, topDrinks: ["caffè", '"quoted"'] } },
});

describe("the guard", () => {
  test("stores the first board in an empty Redis and returns it unchanged", async () => {
    expect(await writer.read()).toBeNull();
    expect(await writer.position()).toBeNull();
    expect(await writer.publish(board(1, 5, 0))).toBe("published");
    expect(await writer.read()).toEqual(board(1, 5, 0));
    const { storesAsOfUs, asOfUs } = board(1, 5, 0);
    expect(await writer.position()).toEqual({ epoch: 1, version: 5, asOfUs, storesAsOfUs });
    // an earlier version of the program published no time of the ranking
    await redis.hdel("coffee:board", "stores_as_of_us");
    expect(await writer.position()).toMatchObject({ epoch: 1, version: 5, storesAsOfUs: 0 });
  });

  test.each<[string, Board, "published" | "older"]>([
    ["a microsecond later with the same version", board(3, 50, 1_001), "published"],
    ["a newer version at a later time", board(3, 51, 1_001), "published"],
    ["a higher epoch with a lower version and an earlier time", board(4, 1, -9_000), "published"],
    ["the same board again", board(3, 50, 1_000), "older"],
    ["an earlier time with the same version", board(3, 50, 999), "older"],
    ["an earlier time with a newer version", board(3, 51, 999), "older"],
    ["an older version at a later time", board(3, 49, 2_000), "older"],
    ["a version with fewer digits", board(3, 9, 2_000), "older"],
    ["a lower epoch, whatever else", board(2, 90, 2_000), "older"],
  ])("compares with %s", async (_name, next, expected) => {
    const held = board(3, 50, 1_000);
    await writer.publish(held);
    expect(await writer.publish(next)).toBe(expected);
    expect(await writer.read()).toEqual(expected === "published" ? next : held);
  });

  test("rejects a clock more than 5 s ahead of Redis' clock, also in an empty Redis", async () => {
    const [seconds, micros] = (await redis.time()).map(Number);
    const nowUs = (seconds ?? 0) * 1_000_000 + (micros ?? 0);
    const ahead = (byUs: number): Board => ({ ...board(1, 1, 0), asOfUs: nowUs + byUs });
    expect(await writer.publish(ahead(600_000_000))).toBe("ahead");
    expect(await writer.publish({ ...ahead(600_000_000), epoch: 9 })).toBe("ahead");
    expect(await writer.read()).toBeNull();
    expect(await writer.publish(ahead(4_000_000))).toBe("published");
  });

  test("keeps the newest board of many concurrent publishers", async () => {
    const writers = [writer, openWriter(), openWriter()];
    await untilConnected(...writers);
    const boards = Array.from({ length: 60 }, (_, version) => board(1, version + 1, version));
    const shuffled = boards.map((each) => [Math.random(), each] as const).sort(([a], [b]) => a - b);
    const results = await Promise.all(shuffled.map(([, each], index) => writers[index % 3]?.publish(each)));
    expect(await writer.read()).toEqual(boards.at(-1));
    expect(results).toContain("older");
  });
});

test("gives the turn to one publisher at a time, until it expires", async () => {
  const second = openWriter();
  await untilConnected(second);
  expect((await Promise.all([writer.takeTurn(), second.takeTurn()])).sort()).toEqual([false, true]);
  expect(await writer.takeTurn()).toBe(false);
  const left = await redis.pttl("coffee:board:turn");
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(100);
  await until("the turn has expired", () => second.takeTurn());
});

test("a writer rejects at once while Redis is unreachable", async () => {
  const unreachable = openBoardWriter("redis://127.0.0.1:1", () => undefined);
  closers.push(() => unreachable.close());
  await expect(unreachable.read()).rejects.toThrow();
  await expect(unreachable.publish(board(1, 1, 0))).rejects.toThrow();
  await expect(unreachable.takeTurn()).rejects.toThrow();
});

describe("a reader", () => {
  const open = (): { reader: BoardReader; seen: Board[] } => {
    const seen: Board[] = [];
    const reader = openBoardReader(
      server.url,
      (each) => seen.push(each),
      () => undefined,
    );
    closers.push(() => reader.close());
    return { reader, seen };
  };
  const versions = (boards: readonly Board[]): number[] => boards.map(({ version }) => version);

  test("receives the published board when it connects, and then each change", async () => {
    await writer.publish(board(1, 1, 1));
    const { reader, seen } = open();
    expect(reader.latest()).toBeNull();
    await until("the first board", () => reader.latest() !== null);
    expect(reader.isConnected()).toBe(true);
    for (const version of [2, 3, 4]) {
      await writer.publish(board(1, version, version));
      await until(`board ${version}`, () => reader.latest()?.version === version);
    }
    expect(versions(seen)).toEqual([1, 2, 3, 4]);
    expect(reader.latest()).toEqual(board(1, 4, 4));
  });

  test("receives the very first board", async () => {
    const { reader, seen } = open();
    const subscribers = async () => (await redis.pubsub("NUMSUB", "coffee:board:changes"))[1];
    await until("it is subscribed", async () => (await subscribers()) === 1);
    await writer.publish(board(1, 1, 1));
    await until("the first board", () => reader.latest()?.version === 1);
    expect(versions(seen)).toEqual([1]);
  });

  test("never returns an older board, not even after Redis was flushed", async () => {
    await writer.publish(board(2, 7, 70));
    const { reader, seen } = open();
    await until("the board", () => reader.latest()?.version === 7);
    await redis.flushall();
    for (const older of [board(2, 6, 80), board(2, 7, 60), board(1, 99, 90), board(2, 8, 69)]) {
      await redis.flushall();
      expect(await writer.publish(older)).toBe("published");
    }
    await redis.flushall();
    await writer.publish(board(2, 7, 71));
    await until("a newer one", () => reader.latest()?.asOfUs === NOW_US + 71);
    await writer.publish(board(3, 1, 5));
    await until("a higher epoch", () => reader.latest()?.epoch === 3);
    expect(seen.map(({ epoch, version }) => [epoch, version])).toEqual([
      [2, 7],
      [2, 7],
      [3, 1],
    ]);
  });

  test("reports that Redis is unreachable, keeps its board, and catches up after a restart", async () => {
    await writer.publish(board(1, 1, 1));
    const { reader, seen } = open();
    await until("the board", () => reader.latest()?.version === 1);
    await server.kill();
    await until("it is disconnected", () => !reader.isConnected());
    expect(reader.latest()?.version).toBe(1);
    await server.start();
    await until("it is connected again", () => reader.isConnected());
    await untilConnected(writer);
    await writer.publish(board(1, 2, 2));
    await until("the change", () => reader.latest()?.version === 2);
    expect(versions(seen)).toEqual([1, 2]);
  });

  test("reads the change that it missed while its connections were down", async () => {
    await writer.publish(board(1, 1, 1));
    const { reader, seen } = open();
    await until("the board", () => reader.latest()?.version === 1);
    // both connections end, and the change happens before it reconnects
    const list = String(await redis.client("LIST"));
    const ids = [...list.matchAll(/^id=(\d+) .*name=coffee-board-reader /gm)].map(([, id]) => Number(id));
    expect(ids).toHaveLength(2);
    const killing = redis.pipeline();
    for (const id of ids) killing.call("CLIENT", "KILL", "ID", String(id));
    await Promise.all([killing.exec(), writer.publish(board(1, 2, 2))]);
    await until("it has caught up", () => reader.latest()?.version === 2);
    expect(versions(seen)).toEqual([1, 2]);
  });

  test("waits when it is opened while Redis is down, and receives nothing after it is closed", async () => {
    await server.kill();
    const { reader } = open();
    const brief = open();
    await brief.reader.close();
    await server.start();
    await untilConnected(writer);
    await writer.publish(board(1, 1, 1));
    await until("the board", () => reader.latest()?.version === 1);
    expect(brief.seen).toEqual([]);
  });
});
