import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type BoardWriter, openBoardWriter } from "#shared/board/board.ts";
import type { Pool } from "#shared/store/pool.ts";
import { startRedis } from "../../dev/system/servers/redis.ts";
import { freshDatabase, poolForTest, until } from "../../test/fresh.ts";
import { promisedWithin } from "../../test/promised.ts";
import { type Opened, openPublishing, type Publishing } from "./publisher.fixture.ts";

const server = await startRedis({ name: "redis-board", role: "board" });
afterAll(() => server.stop());
let publishing: Publishing;
beforeEach(async () => {
  publishing = await openPublishing(server.url, await freshDatabase());
});

const READS_OF_A_RANKING = 2; // the time, and the stores

/** Times that the pool was asked for a connection: once for a board. */
const readsOf = (on: Pool): (() => number) => {
  let reads = 0;
  on.on("acquire", () => reads++);
  return () => reads;
};

describe("a change", () => {
  test("is published at once after a quiet time", async () => {
    const { open, count, published, version } = publishing;
    const publisher = open();
    await until("the first board", async () => (await version()) === 0);
    for (let change = 1; change <= 3; change++) {
      await sleep(250); // longer than a turn lasts
      const changedAt = performance.now();
      await count();
      publisher.changed();
      const isPublished = until("it is published", async () => (await version()) === change);
      await promisedWithin(400, "a change is published", isPublished);
      const readAt = (): number => publisher.publishedAt.at(-1) ?? 0;
      await until("the time of the read is reported", () => readAt() >= changedAt);
      expect(readAt()).toBeLessThanOrEqual(performance.now());
    }
    expect((await published())?.views["v2"]?.orders).toBe(15);
  });

  test("shares its board with later changes of the same interval", async () => {
    const { pool, open, count, version } = publishing;
    const publisher = open();
    await until("the first board", async () => (await version()) === 0);
    const reads = readsOf(pool);
    const startedAt = performance.now();
    await count();
    // only the publisher reads from here on
    const before = reads();
    while (performance.now() - startedAt < 1_000 || reads() - before < 3) {
      publisher.changed();
      await sleep(5);
    }
    const elapsedMs = performance.now() - startedAt;
    expect(await version()).toBe(1);
    expect(reads() - before).toBeLessThanOrEqual(elapsedMs / 100 + 2);
  });

  test("is published after an outage of Redis, which is logged once", async () => {
    const { open, count, version } = publishing;
    const publisher = open();
    await until("the first board", async () => (await version()) === 0);
    await server.kill();
    await count();
    publisher.changed();
    await until("the outage is logged", () => publisher.warnings.length > 0);
    expect(publisher.warnings).toEqual(["publish failed, retrying"]);
    await server.start();
    await until("the change is published", async () => (await version()) === 1);
  });
});

describe("without a change", () => {
  test("the board is refreshed", async () => {
    const { open, published, version } = publishing;
    const publisher = open({ refreshEveryMs: 150 });
    await until("several boards", () => publisher.publishedAt.length >= 4);
    const asOf: number[] = [];
    await until("time moves the board", async () => {
      const at = (await published())?.asOfUs ?? 0;
      if (asOf.at(-1) !== at) asOf.push(at);
      return asOf.length >= 3;
    });
    expect(asOf).toEqual([...asOf].sort((a, b) => a - b));
    expect(await version()).toBe(0);
  });

  test("the board is back within two refreshes after Redis was flushed", async () => {
    const { redis, open, count, version } = publishing;
    await count();
    open({ refreshEveryMs: 1_000 });
    await until("the board", async () => (await version()) === 1);
    for (let round = 0; round < 2; round++) {
      await redis.flushall();
      const isBack = until("it is back", async () => (await version()) === 1);
      await promisedWithin(2_000, "the board is back", isBack);
    }
  });

  test("orders that another process counted are published", async () => {
    const { open, count, version } = publishing;
    open({ refreshEveryMs: 200 });
    await until("the first board", async () => (await version()) === 0);
    await count();
    await until("the other's orders", async () => (await version()) === 1);
  });
});

test("ranks the stores of a changing board once a second", async () => {
  publishing.open({ refreshEveryMs: 200 });
  const soldIn = async (): Promise<number> => {
    const stores = (await publishing.published())?.views["all"]?.hourStores ?? [];
    return stores.reduce((sum, { orders }) => sum + orders, 0);
  };
  for (const orders of [5, 10, 15]) {
    await publishing.count();
    const areRanked = until("its stores are ranked", async () => (await soldIn()) === orders);
    await promisedWithin(1_500, "stores are ranked", areRanked);
  }
});

test("two publishers read no more often than one, and both get turns", async () => {
  const { databaseUrl, openWriter, open } = publishing;
  const pools = [poolForTest(databaseUrl, 2), poolForTest(databaseUrl, 2)];
  const reads = pools.map(readsOf);
  const granted = { turns: 0, rankings: 0, boards: 0 };
  const publishers: Opened[] = [];
  for (const on of pools) {
    publishers.push(open({ on, writer: counting(await openWriter(), granted) }));
  }
  const startedAt = performance.now();
  const isEnough = (): boolean =>
    granted.turns > 4 && publishers.every(({ publishedAt }) => publishedAt.length > 1);
  while (performance.now() - startedAt < 1_500 || !isEnough()) {
    for (const publisher of publishers) publisher.changed();
    await sleep(5);
  }
  const elapsedMs = performance.now() - startedAt;
  const total = reads.reduce((sum, read) => sum + read(), 0);
  expect(total).toBeLessThanOrEqual(granted.turns + READS_OF_A_RANKING * granted.rankings);
  expect(granted.rankings).toBeLessThanOrEqual(elapsedMs / 900 + 1);
  // the whole board is read for another publisher's ranking alone; a first board and a new hour bring one too
  expect(granted.boards).toBeLessThanOrEqual(granted.rankings + 3);
  // a turn lasts 100 ms, by the clock of Redis
  expect(granted.turns).toBeLessThanOrEqual(elapsedMs / 100 + 2);
});

type Granted = { turns: number; rankings: number; boards: number };
const counting = (writer: BoardWriter, granted: Granted): BoardWriter => ({
  ...writer,
  read: () => {
    granted.boards++;
    return writer.read();
  },
  takeTurn: async () => {
    const isOurs = await writer.takeTurn();
    if (isOurs) granted.turns++;
    return isOurs;
  },
  takeRanking: async () => {
    const isOurs = await writer.takeRanking();
    if (isOurs) granted.rankings++;
    return isOurs;
  },
});

describe("closing", () => {
  test("publishes the last change before its turn is over", async () => {
    const { open, count, version } = publishing;
    const publisher = open();
    await until("the first board", async () => (await version()) === 0);
    for (let change = 1; change <= 5; change++) {
      await count();
      publisher.changed();
    }
    await publisher.closeNow();
    expect(await version()).toBe(5);
  });

  test("publishes nothing without a change, and nothing afterwards", async () => {
    const { open, published } = publishing;
    const publisher = open({ refreshEveryMs: 100 });
    await until("the first board", () => publisher.publishedAt.length > 0);
    await publisher.closeNow();
    const [boards, asOf] = [publisher.publishedAt.length, (await published())?.asOfUs];
    publisher.changed();
    await sleep(300);
    expect(publisher.publishedAt).toHaveLength(boards);
    expect((await published())?.asOfUs).toBe(asOf);
  });

  test("does not wait for an unreachable PostgreSQL or Redis", async () => {
    const { open } = publishing;
    const pool = poolForTest("postgres://postgres@127.0.0.1:1/postgres");
    const writer = openBoardWriter("redis://127.0.0.1:1", () => undefined);
    onTestFinished(() => writer.close());
    for (const publisher of [open({ on: pool }), open({ writer })]) {
      publisher.changed();
      await until("it has tried", () => publisher.warnings.length > 0);
      await promisedWithin(2_500, "the publisher is closed", publisher.closeNow());
    }
  });
});
