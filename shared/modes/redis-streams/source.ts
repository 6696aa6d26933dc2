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

/** v2's worker: a member of the consumer group under the name of its leased slot. */
export const openRedisStreamsSource = (settings: RedisStreamsSettings, log: Log): Source => {
  const reads = openReader(settings.streamRedisUrl, "coffee-v2-reader", log);
  const commands = openStream(settings.streamRedisUrl, "coffee-v2-worker", log);
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-v2-lease",
      maxConnections: 1,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 2_000,
    },
    (error) => log.warn({ err: error, mode: "v2" }, "an idle connection to PostgreSQL was lost"),
  );

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const trimming = setInterval(() => trim(commands, settings.v2Stream, log), TRIM_EVERY_MS);
    try {
      while (!signal.aborted) {
        const lease = await takeSlot(pool, settings.v2Slots, log);
        if (lease) await countIn(lease, count, signal);
        else await pause(NO_SLOT_MS, signal);
      }
    } finally {
      clearInterval(trimming);
    }
  };

  const countIn = async (lease: Lease, count: Count, signal: AbortSignal): Promise<void> => {
    log.info({ mode: "v2", slot: lease.slot }, "counting in a slot");
    try {
      const consumer = openConsumer(reads, commands, settings, lease.slot);
      await consume(consumer, count, AbortSignal.any([signal, lease.lost]), log);
    } finally {
      await lease.release();
    }
  };

  return {
    run,
    close: async () => {
      await Promise.all([closeRedis(reads), closeRedis(commands), pool.end()]);
    },
  };
};

/** Reads ahead by one batch while the one in hand is counted; acknowledges only what is settled. */
const consume = async (consumer: Consumer, count: Count, signal: AbortSignal, log: Log): Promise<void> => {
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

  let reading = next();
  for (let entries = await reading; entries !== null; entries = await reading) {
    reading = next();
    const ids = entries.map(([id]) => id);
    for (const delivery of consumer.deliveriesOf(entries)) await count(delivery);
    if (ids.length > 0) await patiently("acknowledging", () => consumer.settled(ids));
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
