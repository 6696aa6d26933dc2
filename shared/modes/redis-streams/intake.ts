import type { Order } from "../../domain/order.ts";
import { type Intake, type Log, type Receipt, Unavailable, type Verified } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { closeRedis, isRefusedRight, MissingRight, openRights } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../queue.ts";
import type { RedisStreamsSettings } from "./mode.ts";
import { entryTimeMs, openStream, type StreamClient } from "./stream.ts";

const QUEUED: Receipt = { replayed: false };

/** v2: the orders that are queued while an XADD is in flight become one stream entry. */
export const openRedisStreamsIntake = (
  settings: RedisStreamsSettings,
  log: Log,
  failed: (error: Error) => void = () => undefined,
): Intake => {
  const redis = openStream(settings.streamRedisUrl, "coffee-v2-intake", log);
  stopIfUnusable(redis, failed);
  const durability = openDurability(redis, settings, log);
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v2GroupMaxOrders,
      maxInFlight: settings.v2MaxWritesInFlight,
      maxQueued: settings.v2MaxQueuedOrders,
      lingerMs: 0,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    (orders) => add(redis, durability, settings.v2Stream, orders),
  );
  return {
    accept: group.add,
    isFull: group.isFull,
    backlog: async () => {
      // the settings of a running server can be changed
      await durability.verify();
      const [orders, oldestId] = await redis.backlogOf(settings.v2Stream, settings.v2Group);
      return {
        orders: Number(orders),
        oldestMs: oldestId ? Math.max(0, Date.now() - entryTimeMs(oldestId)) : 0,
      };
    },
    probe: async () => {
      await durability.verify();
      const refusal = await redis.probeAdd(settings.v2Stream);
      if (!IS_WRITABLE.test(refusal)) throw new Error(`the stream's Redis refuses orders: ${refusal}`);
    },
    verified: durability.verified,
    close: async () => {
      await group.close();
      await closeRedis(redis);
    },
  };
};

/** A right that is missing for commands leaves v2 not ready; without a connection nothing of it could ever work. */
const stopIfUnusable = (redis: StreamClient, failed: (error: Error) => void): void => {
  const rights = openRights("STREAM_REDIS_URL");
  redis.on("ready", rights.connected).on("error", (error: Error) => {
    const problem = rights.connectErrorOf(error);
    if (problem instanceof MissingRight) failed(problem);
  });
};

/** The only reason for which Redis rejects the probe's entry when it would accept an order. */
const IS_WRITABLE = /greater than 0-0/;

type Durability = {
  /** Reads the settings again; rejects with `UnfitSettings`, or when they could not be read. */
  verify(): Promise<void>;
  /** Null while the connected server is not verified. */
  verified(): Verified | null;
  /** Why it is not verified. */
  problem(): string;
  /** Increases with each connection. */
  connection(): number;
};

const UNREACHABLE = "the stream's Redis is unreachable";

/** Follows whether the connected server keeps the promise of a reply. */
const openDurability = (redis: StreamClient, settings: RedisStreamsSettings, log: Log): Durability => {
  let verified: Verified | null = null;
  let problem = UNREACHABLE;
  let connection = 0;
  const verify = async (): Promise<void> => {
    try {
      verified = await verifyDurability(redis, settings);
    } catch (error) {
      // a command that failed with its connection proves nothing about the settings
      if (!(error instanceof UnfitSettings)) throw error;
      verified = null;
      if (problem !== error.message)
        log.error({ mode: "v2", reason: error.message }, "settings check failed, rejecting orders");
      problem = error.message;
      throw error;
    }
  };
  redis.on("connect", () => connection++);
  // `backlog` verifies again within a second, and reports the error
  redis.on("ready", () => void verify().catch(() => undefined));
  redis.on("close", () => {
    verified = null;
    problem = UNREACHABLE;
  });
  return { verify, verified: () => verified, problem: () => problem, connection: () => connection };
};

/**
 * With these errors Redis rejects a command before it runs. A proxy may reply with others after it has run. A script that adds
 * orders writes by its last command, so it has written nothing either when Redis refuses one of its commands.
 */
const REFUSALS =
  /^(OOM|READONLY|MISCONF|NOREPLICAS|NOPERM|NOAUTH|WRONGTYPE|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|MOVED)\b/;

const add = async (
  redis: StreamClient,
  durability: Durability,
  stream: string,
  orders: readonly Order[],
): Promise<Receipt[]> => {
  if (durability.verified() === null) throw new Unavailable("backend_away", durability.problem());
  const sentBy = durability.connection();
  try {
    await redis.addOrders(stream, orders.length, encodeOrders(orders));
    // ioredis resends a command after a reconnect, before the new server is verified
    if (durability.connection() !== sentBy) await durability.verify();
    return orders.map(() => QUEUED);
  } catch (error) {
    const text = messageOf(error);
    // the first attempt may have been written before the second was rejected
    const isRefused = (REFUSALS.test(text) || isRefusedRight(error)) && durability.connection() === sentBy;
    throw new Unavailable(isRefused ? "backend_away" : "outcome_unknown", `Redis: ${text}`, error);
  }
};

/** The settings of the stream's Redis on which the promise of a reply depends, and what each prevents. */
const neededSettings = (appendfsync: string) => [
  { setting: "appendonly", value: "yes", risk: "a restart loses every order in the stream" },
  { setting: "appendfsync", value: appendfsync, risk: "a crash loses acknowledged orders" },
  {
    setting: "no-appendfsync-on-rewrite",
    value: "no",
    risk: "a crash during a rewrite loses acknowledged orders",
  },
  { setting: "maxmemory-policy", value: "noeviction", risk: "a full memory may evict the stream" },
];

/** The server's settings break the promise of a reply: the intake sends it no order. */
export class UnfitSettings extends Error {}

/**
 * Reads the settings back, and rejects with `UnfitSettings` when one of them breaks the promise. A Redis whose settings
 * cannot be read is accepted only with V2_APPENDFSYNC=unverified.
 */
const verifyDurability = async (
  redis: StreamClient,
  { v2Appendfsync }: RedisStreamsSettings,
): Promise<Verified> => {
  if (v2Appendfsync === "unverified") return {};
  const needed = neededSettings(v2Appendfsync);
  const reply = await redis.config("GET", ...needed.map(({ setting }) => setting)).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    throw new UnfitSettings(
      `the stream's Redis does not let its settings be read (${messageOf(error)}): grant +config|get, or set ` +
        "V2_APPENDFSYNC=unverified to take orders without knowing whether they are on disk",
      { cause: error },
    );
  });
  const found = settingsIn(reply as string[]);
  const broken = needed.filter(({ setting, value }) => found[setting] !== value);
  if (broken.length > 0)
    throw new UnfitSettings(
      broken
        .map(
          ({ setting, value, risk }) =>
            `the stream's Redis has ${setting}=${found[setting]}, not ${value}: ${risk}`,
        )
        .join("; "),
    );
  return found;
};

/** Redis replied with an error; every other error is one of the connection. */
const isRefusal = (error: unknown): boolean => error instanceof Error && error.name === "ReplyError";

/** CONFIG GET replies with names and values in turn. */
const settingsIn = (reply: readonly string[]): Record<string, string> => {
  const settings: Record<string, string> = {};
  for (let index = 0; index < reply.length; index += 2) settings[reply[index] ?? ""] = reply[index + 1] ?? "";
  return settings;
};
