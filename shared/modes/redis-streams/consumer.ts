import type { Delivery, Entry } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import type { Rights } from "../../runtime/redis.ts";
import type { RedisStreamsSettings } from "./mode.ts";
import { BLOCK_MS, type StreamClient } from "./stream.ts";

/** A stream entry; without fields when it was deleted while it was pending. */
export type StreamEntry = readonly [id: string, fields: readonly string[] | null];

/** One member of the consumer group. Each call rejects with `MissingRight` while Redis has never allowed it. */
export type Consumer = {
  /**
   * The next entries: first those delivered to this name before and never settled, then those of dead members, then new
   * ones, for which it waits at most `BLOCK_MS`. After an error the own pending entries are read again, because a reply
   * may have been lost.
   */
  read(): Promise<StreamEntry[]>;
  /** Whether the last read returned as many entries as it asked for: there may be more. */
  isBehind(): boolean;
  settled(ids: readonly string[]): Promise<void>;
  deliveriesOf(entries: readonly StreamEntry[]): Delivery[];
};

export type Consuming = {
  /** A separate connection: a blocking read delays the commands after it. */
  readonly reads: StreamClient;
  readonly commands: StreamClient;
  readonly settings: RedisStreamsSettings;
  readonly slot: number;
  readonly rights: Rights;
};

export const openConsumer = ({ reads, commands, settings, slot, rights }: Consuming): Consumer => {
  const { v2Stream: stream, v2Group: group, v2ClaimIdleMs: idle } = settings;
  const name = `slot-${slot}`;
  /** Own pending entries after this id; null when all of them were read. */
  let pendingAfter: string | null = "0";
  let claimedAt = 0;
  /** Whether XACK was tried: without that right the consumer must read nothing, or it would count orders repeatedly. */
  let mayAcknowledge = false;
  let isBehind = false;
  /** An estimate until the first entries arrive: a read is sized in entries, a batch in orders. */
  let ordersPerEntry = settings.v2GroupMaxOrders;

  const settle = (...ids: readonly string[]): Promise<number> =>
    rights.check(SETTLE, () => commands.xack(stream, group, ...ids));

  const readPending = async (after: string, count: number): Promise<StreamEntry[]> => {
    const entries = entriesIn(
      await rights.check(READ, () =>
        reads.xreadgroup("GROUP", group, name, "COUNT", count, "STREAMS", stream, after),
      ),
    );
    pendingAfter = entries.at(-1)?.[0] ?? null;
    return entries;
  };

  const claim = async (count: number): Promise<StreamEntry[]> => {
    if (performance.now() - claimedAt < Math.min(idle, 5_000) / 2) return [];
    const [, entries] = (await rights.check("claim entries of the stream", () =>
      reads.xautoclaim(stream, group, name, idle, "0-0", "COUNT", count),
    )) as [string, StreamEntry[]];
    // a full reply means that there may be more
    if (entries.length < count) claimedAt = performance.now();
    return entries;
  };

  const readNew = async (count: number): Promise<StreamEntry[]> =>
    entriesIn(
      await rights.check(READ, () =>
        reads.xreadgroup("GROUP", group, name, "COUNT", count, "BLOCK", BLOCK_MS, "STREAMS", stream, ">"),
      ),
    );

  const read = async (): Promise<StreamEntry[]> => {
    if (!mayAcknowledge) mayAcknowledge = (await settle("0-0")) >= 0;
    const count = entriesWanted(settings, ordersPerEntry);
    let entries = pendingAfter === null ? [] : await readPending(pendingAfter, count);
    if (entries.length === 0) entries = await claim(count);
    if (entries.length === 0) entries = await readNew(count);
    isBehind = entries.length >= count;
    return entries;
  };

  return {
    read: async () => {
      try {
        const entries = await read();
        if (entries.length > 0) ordersPerEntry = Math.max(1, ordersInAll(entries) / entries.length);
        return entries;
      } catch (error) {
        pendingAfter = "0";
        if (messageOf(error).includes("NOGROUP"))
          await rights.check("create the stream's group", () => createGroup(commands, stream, group));
        throw error;
      }
    },
    isBehind: () => isBehind,
    settled: async (ids) => void (await settle(...ids)),
    deliveriesOf: (entries) => deliveriesOf(entries, slot, settings.v2BatchMaxOrders),
  };
};

const entriesWanted = (settings: RedisStreamsSettings, ordersPerEntry: number): number =>
  Math.max(1, Math.min(settings.v2BatchMaxEntries, Math.ceil(settings.v2BatchMaxOrders / ordersPerEntry)));

const READ = "read the stream";
const SETTLE = "acknowledge entries of the stream";

/** From the start of the stream: a group created at `$` would never count earlier entries. */
export const createGroup = async (redis: StreamClient, stream: string, group: string): Promise<void> => {
  try {
    await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM");
  } catch (error) {
    if (!messageOf(error).includes("BUSYGROUP")) throw error;
  }
};

/** Deliveries of about `maxOrders` orders each; an entry is never split. */
const deliveriesOf = (entries: readonly StreamEntry[], part: number, maxOrders: number): Delivery[] => {
  const deliveries: Delivery[] = [];
  let hand: Entry[] = [];
  let orders = 0;
  for (const [index, entry] of entries.entries()) {
    const [id, fields] = entry;
    if (fields !== null) {
      hand.push({ origin: id, payload: fieldOf(fields, "orders") ?? "" });
      orders += ordersIn(entry);
    }
    if (hand.length > 0 && (orders >= maxOrders || index === entries.length - 1)) {
      deliveries.push({ kind: "carried", part, position: id, entries: hand });
      hand = [];
      orders = 0;
    }
  }
  return deliveries;
};

const ordersInAll = (entries: readonly StreamEntry[]): number =>
  entries.reduce((sum, entry) => sum + ordersIn(entry), 0);

const ordersIn = ([, fields]: StreamEntry): number => Number(fieldOf(fields ?? [], "n") ?? 1) || 1;

const fieldOf = (fields: readonly string[], name: string): string | undefined => {
  for (let index = 0; index < fields.length; index += 2) if (fields[index] === name) return fields[index + 1];
  return undefined;
};

const entriesIn = (reply: unknown): StreamEntry[] => {
  const streams = reply as readonly (readonly [string, StreamEntry[]])[] | null;
  return streams?.[0]?.[1] ?? [];
};
