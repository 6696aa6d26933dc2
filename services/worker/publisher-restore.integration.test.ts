import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openBoardReader } from "#shared/board/board.ts";
import type { Board } from "#shared/domain/board.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { repair } from "#shared/store/repair.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { freshDatabase, poolOn, until } from "../../test/fresh.ts";
import { openPublishing, type Publishing } from "./publisher.fixture.ts";

const server = await startRedis({ name: "redis-board", role: "board" });
afterAll(() => server.stop());
let publishing: Publishing;
beforeEach(async () => {
  publishing = await openPublishing(server.url, await freshDatabase());
});

/** Counts 5 orders and copies the database, to which nothing is connected before the first use of its pool. */
const countedAndCopied = async ({ databaseUrl, count }: Publishing): Promise<string> => {
  const early = poolOn(databaseUrl);
  await count(early);
  await early.end();
  return freshDatabase(databaseUrl.replace(/[^/]*$/, "postgres"), databaseUrl.split("/").at(-1));
};

describe("a database older than the board", () => {
  test("is a restore: the epoch rises once, and its boards are published", async () => {
    const { openWriter, open, count, published, version } = publishing;
    const copyUrl = await countedAndCopied(publishing);
    await count();
    await count();
    const first = open();
    await until("the newer database's board", async () => (await version()) === 3);
    await first.closeNow();
    const epoch = (await published())?.epoch ?? 0;

    const restored = poolOn(copyUrl);
    onTestFinished(() => restored.end());
    const publishers = [
      open({ on: restored, refreshEveryMs: 200 }),
      open({ on: restored, writer: await openWriter(), refreshEveryMs: 200 }),
    ];
    await until("the older database's board", async () => (await version()) === 1);
    expect((await published())?.epoch).toBe(epoch + 1);
    expect((await published())?.views["all"]?.orders).toBe(5);
    await count(restored);
    publishers[0]?.changed();
    await until("it goes on", async () => (await version()) === 2);
    expect((await published())?.epoch).toBe(epoch + 1);
    const warnings = publishers.flatMap((publisher) => publisher.warnings);
    expect(warnings.filter((warning) => warning.includes("restore"))).toHaveLength(1);
  });

  test("is a restore also without a board in Redis: readers remember the last one", async () => {
    const { open, count, published, version } = publishing;
    const copyUrl = await countedAndCopied(publishing);
    await count();
    const seen: Board[] = [];
    const reader = openBoardReader(
      server.url,
      (board) => seen.push(board),
      () => undefined,
    );
    onTestFinished(() => reader.close());
    const first = open();
    await until("the newer database's board", async () => (await version()) === 2);
    await until("it is read", () => reader.latest()?.version === 2);
    await first.closeNow();
    const before = await published();

    const admin = openRedis(server.url, redisOptions("test"), () => undefined);
    await until("a connection", () => admin.status === "ready");
    await admin.flushall();
    await closeRedis(admin);
    const restored = poolOn(copyUrl);
    onTestFinished(() => restored.end());
    open({ on: restored, refreshEveryMs: 200 });
    await until("the older database's board is read", () => reader.latest()?.version === 1);
    expect(reader.latest()?.epoch).toBeGreaterThan(before?.epoch ?? 0);
  });

  test("publishes a higher epoch of the database without a warning", async () => {
    const { pool, open, count, published, version } = publishing;
    await count();
    const publisher = open({ refreshEveryMs: 150 });
    await until("the board", async () => (await version()) === 1);
    const epoch = (await published())?.epoch ?? 0;
    await pool.query("UPDATE meta SET epoch = epoch + 5; UPDATE applied SET version = 0");
    await until("the repaired board", async () => (await published())?.epoch === epoch + 5);
    expect(await version()).toBe(0);
    expect(publisher.warnings).toEqual([]);
  });

  test("publishes the repaired board in place of the wrong one", async () => {
    const { pool, open, count, published, version } = publishing;
    await count();
    await pool.query("UPDATE rollup_hour_drink SET orders = orders + 100; UPDATE applied SET orders = 105");
    const publisher = open({ refreshEveryMs: 150 });
    await until("the wrong board", async () => (await version()) === 1);
    const before = await published();
    expect(before?.views["all"]?.orders).toBe(105);
    expect(before?.views["all"]?.hour.orders).toBeGreaterThan(100);

    await repair(pool, { longestMs: 20_000, signal: new AbortController().signal });
    const epoch = before?.epoch ?? 0;
    await until("the right one", async () => (await published())?.epoch === epoch + 1);
    const view = (await published())?.views["all"];
    expect([view?.orders, view?.hour.orders]).toEqual([5, 5]);
    await count();
    publisher.changed();
    await until("and it goes on", async () => (await version()) === 3);
    expect((await published())?.views["v2"]?.orders).toBe(10);
    expect(publisher.warnings).toEqual([]);
  });
});
