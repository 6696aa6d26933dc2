import type { Count, Log, Source } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { pause, retrying } from "../../runtime/retry.ts";
import { type Lease, leaseSlot } from "../../store/lease.ts";
import { openPool, type Pool } from "../../store/pool.ts";
import { type Consumer, openConsumer, type StreamEntry } from "./consumer.ts";
import type { RedisStreamsSettings } from "./knobs.ts";
import { openReader, openStream, type StreamClient } from "./stream.ts";

const TRIM_EVERY_MS = 1_000;
/** While every slot is taken, or PostgreSQL does not lease one. */
const NO_SLOT_MS = 250;

/** v2's worker: members of the consumer group, each under the name of a slot that it leases. */
export const openRedisStreamsSource = (settings: RedisStreamsSettings, log: Log): Source => {
  const { streamRedisUrl, v2SlotsAtOnce } = settings;
  const commands = openStream(streamRedisUrl, "coffee-v2-worker", log);
  // one each: a read that blocks holds up what comes after it on its connection
  const readers = Array.from({ length: v2SlotsAtOnce }, () =>
    openReader(streamRedisUrl, "coffee-v2-reader", log),
  );
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-v2-lease",
      maxConnections: v2SlotsAtOnce,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 2_000,
    },
    (error) => log.warn({ err: error, mode: "v2" }, "an idle connection to PostgreSQL was lost"),
  );

  const countInSlots = async (reads: StreamClient, count: Count, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const lease = await takeSlot(pool, settings.v2Slots, log);
      if (!lease) {
        await pause(NO_SLOT_MS, signal);
        continue;
      }
      log.info({ mode: "v2", slot: lease.slot }, "counting in a slot");
      try {
        const consumer = openConsumer(reads, commands, settings, lease.slot);
        const until = AbortSignal.any([signal, lease.lost]);
        await consume(consumer, count, { gatherMs: settings.v2GatherMs, signal: until, log });
      } finally {
        await lease.release();
      }
    }
  };

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const failed = new AbortController();
    const trimming = setInterval(() => trim(commands, settings.v2Stream, log), TRIM_EVERY_MS);
    const members = readers.map((reads) =>
      countInSlots(reads, count, AbortSignal.any([signal, failed.signal])).catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    );
    // each settles what it has in hand before the first failure is told
    await Promise.allSettled(members);
    clearInterval(trimming);
    await Promise.all(members);
  };

  return {
    run,
    close: async () => {
      await Promise.all([...readers.map(closeRedis), closeRedis(commands), pool.end()]);
    },
  };
};

type Consuming = { readonly gatherMs: number; readonly signal: AbortSignal; readonly log: Log };

/**
 * Acknowledges only what is settled. While a backlog waits it reads ahead by one batch as the one in hand is counted;
 * otherwise it lets orders gather, as a statement of few orders costs nearly what one of many does.
 */
const consume = async (
  consumer: Consumer,
  count: Count,
  { gatherMs, signal, log }: Consuming,
): Promise<void> => {
  const patiently = <T>(what: string, attempt: () => Promise<T>): Promise<T | null> =>
    retrying(attempt, {
      signal,
      isRetryable: () => true,
      onRetry: (error, failures) => {
        // a connection that is still being made refuses once or twice
        if (failures === 3)
          log.warn({ mode: "v2", reason: messageOf(error) }, `${what} failed; trying again`);
      },
    }).catch((error: unknown) => {
      // only an abort ends the retries; what is unsettled stays pending and comes again
      if (!signal.aborted) throw error;
      return null;
    });
  const next = (): Promise<StreamEntry[] | null> =>
    signal.aborted ? Promise.resolve(null) : patiently("reading the stream", () => consumer.read());

  const settle = async (entries: readonly StreamEntry[]): Promise<void> => {
    const ids = entries.map(([id]) => id);
    for (const delivery of consumer.deliveriesOf(entries)) await count(delivery);
    if (ids.length > 0) await patiently("acknowledging", () => consumer.settled(ids));
  };

  let entries = await next();
  while (entries !== null) {
    const readAt = performance.now();
    const ahead = consumer.isBehind() ? next() : null;
    await settle(entries);
    if (ahead === null && entries.length > 0) await pause(readAt + gatherMs - performance.now(), signal);
    entries = await (ahead ?? next());
  }
};

const takeSlot = async (pool: Pool, slots: number, log: Log): Promise<Lease | null> => {
  try {
    return await leaseSlot(pool, slots, log);
  } catch (error) {
    log.warn({ mode: "v2", reason: messageOf(error) }, "no slot could be leased; trying again");
    return null;
  }
};

const trim = async (commands: StreamClient, stream: string, log: Log): Promise<void> => {
  if (commands.status !== "ready") return;
  try {
    await commands.trimSettled(stream);
  } catch (error) {
    log.warn(
      { mode: "v2", reason: messageOf(error) },
      "the stream could not be trimmed; trying again in a second",
    );
  }
};
