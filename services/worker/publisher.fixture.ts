/** Publishers between a new database and an empty board. */

import { onTestFinished } from "vitest";
import { type BoardWriter, openBoardWriter } from "#shared/board/board.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { type Counted, countCarried } from "#shared/store/count.ts";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrders } from "#shared/wire/order-message.ts";
import { poolForTest, someOrders, until } from "../../test/fresh.ts";
import { openPublisher, type Publisher } from "./publisher.ts";

export type Opened = Publisher & {
  readonly warnings: string[];
  readonly publishedAt: number[];
  /** Times of the boards of other publishers. */
  readonly seenAsOf: number[];
  closeNow(): Promise<void>;
};

type Options = {
  readonly on?: Pool;
  readonly writer?: BoardWriter;
  /** By default only changes publish within a test. */
  readonly refreshEveryMs?: number;
};

export type Publishing = {
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly redis: RedisClient;
  openWriter(): Promise<BoardWriter>;
  open(options?: Options): Opened;
  /** Counts 5 new orders. */
  count(on?: Pool): Promise<Counted>;
  published(): ReturnType<BoardWriter["read"]>;
  /** Of the published board; -1 without one. */
  version(): Promise<number>;
};

/** Everything closes with the current test. */
export const openPublishing = async (redisUrl: string, databaseUrl: string): Promise<Publishing> => {
  const pool = poolForTest(databaseUrl);
  const redis = openRedis(redisUrl, redisOptions("test"), () => undefined);
  onTestFinished(() => closeRedis(redis));
  const openWriter = async (): Promise<BoardWriter> => {
    const writer = openBoardWriter(redisUrl, () => undefined);
    onTestFinished(() => writer.close());
    await until("Redis answers", async () => (await Promise.all([writer.read(), redis.ping()])).length > 0);
    return writer;
  };
  const board = await openWriter();
  await redis.flushall();

  let seed = 1;
  return {
    databaseUrl,
    pool,
    redis,
    openWriter,
    open: ({ on = pool, writer = board, ...more } = {}) => {
      const opened = openedOn(on, writer, more);
      onTestFinished(opened.closeNow);
      return opened;
    },
    count: (on = pool) =>
      countCarried(on, {
        source: "v2",
        part: 0,
        position: "1",
        messages: encodeOrders(someOrders(5, seed++)),
      }),
    published: () => board.read(),
    version: async () => (await board.read())?.version ?? -1,
  };
};

const openedOn = (pool: Pool, board: BoardWriter, { refreshEveryMs = 60_000 }: Options): Opened => {
  const warnings: string[] = [];
  const publishedAt: number[] = [];
  const seenAsOf: number[] = [];
  const publisher = openPublisher({
    pool,
    board,
    log: {
      info: () => undefined,
      warn: (_fields, message) => warnings.push(message),
      error: () => undefined,
    },
    publishEveryMs: 100,
    refreshEveryMs,
    pinnedStores: [],
    onPublished: (readAtMs) => publishedAt.push(readAtMs),
    onSeen: (asOfMs) => seenAsOf.push(asOfMs),
  });
  let closing: Promise<void> | null = null;
  const closeNow = (): Promise<void> => {
    closing ??= publisher.close();
    return closing;
  };
  return { ...publisher, warnings, publishedAt, seenAsOf, closeNow };
};
