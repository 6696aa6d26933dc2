import type { Count, Log, Source } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { type OutageLog, openOutageLog } from "../../runtime/outage-log.ts";
import { closeRedis, MissingRight, OF_A_SCRIPT, openRights, type Rights } from "../../runtime/redis.ts";
import { pause, retrying } from "../../runtime/retry.ts";
import { openPool, type Pool } from "../../store/pool.ts";
import { schemaLock } from "../../store/schema.ts";
import { type Consumer, openConsumer, type StreamEntry } from "./consumer.ts";
import type { RedisStreamsSettings } from "./mode.ts";
import { openReader, openStream, type StreamClient } from "./stream.ts";

const TRIM_EVERY_MS = 1_000;
/** The pause while every slot is leased, or PostgreSQL leases none. */
const NO_SLOT_MS = 250;

/** v2's worker: members of the consumer group, each under the name of a slot that it leases. */
export const openRedisStreamsSource = (settings: RedisStreamsSettings, log: Log): Source => {
  const { streamRedisUrl, v2SlotsAtOnce } = settings;
  const commands = openStream(streamRedisUrl, "coffee-v2-worker", log);
  // one each: a blocking read delays the commands after it on its connection
  const readers = Array.from({ length: v2SlotsAtOnce }, () =>
    openReader(streamRedisUrl, "coffee-v2-reader", log),
  );
  const rights = openRights("STREAM_REDIS_URL");
  const failed = new AbortController();
  for (const client of [commands, ...readers])
    client.on("ready", rights.connected).on("error", (error) => stopIfRefused(rights.connectErrorOf(error)));
  const stopIfRefused = (error: unknown): void => {
    if (error instanceof MissingRight) failed.abort(error);
  };
  const slots = openSlots(settings, log);

  const countInSlots = async (reads: StreamClient, count: Count, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const lease = await slots.lease();
      if (!lease) {
        await pause(NO_SLOT_MS, signal);
        continue;
      }
      log.info({ mode: "v2", slot: lease.slot }, "counting in a slot");
      try {
        const consumer = openConsumer({ reads, commands, settings, slot: lease.slot, rights });
        const until = AbortSignal.any([signal, lease.lost]);
        await consume(consumer, count, { gatherMs: settings.v2GatherMs, signal: until, log });
      } finally {
        await lease.release();
      }
    }
  };

  const run = async (count: Count, signal: AbortSignal): Promise<void> => {
    const trimming = openTrimming({ commands, stream: settings.v2Stream, rights, log }, stopIfRefused);
    const members = readers.map((reads) =>
      countInSlots(reads, count, AbortSignal.any([signal, failed.signal])).catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    );
    // each member settles its current batch before the first failure is reported
    await Promise.allSettled(members);
    trimming.close();
    await Promise.all(members);
    if (failed.signal.reason instanceof MissingRight) throw failed.signal.reason;
  };

  return {
    run,
    close: async () => {
      await Promise.all([...readers.map(closeRedis), closeRedis(commands), slots.close()]);
    },
  };
};

type Consuming = { readonly gatherMs: number; readonly signal: AbortSignal; readonly log: Log };

/**
 * Acknowledges only settled entries. While there is a backlog it reads one batch ahead while the current one is counted;
 * otherwise it lets orders accumulate, because a statement of few orders costs nearly as much as one of many.
 */
const consume = async (
  consumer: Consumer,
  count: Count,
  { gatherMs, signal, log }: Consuming,
): Promise<void> => {
  const [reading, acknowledging] = [openOutage(log, "stream read"), openOutage(log, "acknowledgement")];
  const patiently = async <T>(outage: OutageLog, attempt: () => Promise<T>): Promise<T | null> => {
    try {
      const result = await retrying(attempt, {
        signal,
        isRetryable: (error) => !(error instanceof MissingRight),
        onRetry: (error) => outage.failed(error),
      });
      outage.succeeded();
      return result;
    } catch (error) {
      // only an abort or a missing right ends the retries; what is unsettled stays pending and is redelivered
      if (!signal.aborted) throw error;
      return null;
    }
  };
  const next = (): Promise<StreamEntry[] | null> =>
    signal.aborted ? Promise.resolve(null) : patiently(reading, () => consumer.read());

  const settle = async (entries: readonly StreamEntry[]): Promise<void> => {
    const ids = entries.map(([id]) => id);
    for (const delivery of consumer.deliveriesOf(entries)) await count(delivery);
    if (ids.length > 0) await patiently(acknowledging, () => consumer.settled(ids));
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

/** A connection that is being opened rejects once or twice. */
const openOutage = (log: Log, what: string): OutageLog =>
  openOutageLog(log, {
    failing: `${what} failed, retrying`,
    recovered: `${what} recovered`,
    fields: { mode: "v2" },
    tolerated: 2,
  });

/** The slots that this worker may lease. `lease` resolves with null while none is free or PostgreSQL is unavailable. */
const openSlots = (settings: RedisStreamsSettings, log: Log) => {
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-v2-lease",
      maxConnections: settings.v2SlotsAtOnce,
      statementTimeoutMs: 5_000,
      connectTimeoutMs: 2_000,
    },
    (error) => log.warn({ err: error, mode: "v2" }, "idle PostgreSQL connection lost"),
  );
  const outage = openOutageLog(log, {
    failing: "slot lease failed, retrying",
    recovered: "slot lease recovered",
    fields: { mode: "v2" },
  });
  const lease = async (): Promise<Lease | null> => {
    try {
      const leased = await leaseSlot(pool, settings.v2Slots, log);
      outage.succeeded();
      return leased;
    } catch (error) {
      outage.failed(error);
      return null;
    }
  };
  return { lease, close: () => pool.end() };
};

type Trimming = {
  readonly commands: StreamClient;
  readonly stream: string;
  readonly rights: Rights;
  readonly log: Log;
};

const openTrimming = (
  { commands, stream, rights, log }: Trimming,
  onError: (error: unknown) => void,
): { close(): void } => {
  const outage = openOutageLog(log, {
    failing: "stream trim failed, retrying",
    recovered: "stream trim recovered",
    fields: { mode: "v2" },
  });
  const trim = async (): Promise<void> => {
    if (commands.status !== "ready") return;
    try {
      await rights.check("trim the stream", () => commands.trimSettled(stream), OF_A_SCRIPT);
      outage.succeeded();
    } catch (error) {
      onError(error);
      outage.failed(error);
    }
  };
  const timer = setInterval(trim, TRIM_EVERY_MS);
  return { close: () => clearInterval(timer) };
};

/**
 * A slot is a small number that one worker holds at a time, by an advisory lock of a session. It only improves speed
 * (a rollup shard and a consumer name for each worker): counting stays right if two workers hold it.
 */
export type Lease = {
  readonly slot: number;
  /** Aborts when the session is lost and another worker may have the slot. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
};

const TAKE_SLOT = `
SELECT slot FROM generate_series(0, $1::integer - 1) AS slot
WHERE pg_try_advisory_lock(${schemaLock("slot")}, slot) LIMIT 1`;

/** Leases the lowest free of `slots` slots; `null` when all are held. */
export const leaseSlot = async (pool: Pool, slots: number, log: Log): Promise<Lease | null> => {
  const client = await pool.connect();
  const gone = new AbortController();
  const onGone = (error?: Error): void => {
    if (gone.signal.aborted) return;
    log.warn({ reason: error ? messageOf(error) : "the session ended" }, "slot lease lost");
    gone.abort();
  };
  client.on("error", onGone);
  client.on("end", onGone);
  const end = (): void => {
    client.off("end", onGone);
    client.release(true);
  };
  try {
    const { rows } = await client.query<{ slot: number }>(TAKE_SLOT, [slots]);
    const slot = rows[0]?.slot;
    if (slot === undefined) {
      end();
      return null;
    }
    // ending the session releases the lock
    return { slot, lost: gone.signal, release: async () => end() };
  } catch (error) {
    end();
    throw error;
  }
};
