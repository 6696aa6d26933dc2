import type { Order } from "../../domain/order.ts";
import { type Intake, type Log, type Receipt, Unavailable, type Verified } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../limits.ts";
import { UnfitSettings, verifyDurability } from "./durability.ts";
import type { RedisStreamsSettings } from "./knobs.ts";
import { entryTimeMs, openStream, type StreamClient } from "./stream.ts";

const QUEUED: Receipt = { replayed: false };

/** v2: the orders that wait while an XADD is in flight become one stream entry. */
export const openRedisStreamsIntake = (settings: RedisStreamsSettings, log: Log): Intake => {
  const redis = openStream(settings.streamRedisUrl, "coffee-v2-intake", log);
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

/** The one reason for which Redis refuses the probe's entry when it would take an order. */
const IS_WRITABLE = /greater than 0-0/;

type Durability = {
  /** Reads the settings anew; rejects with `UnfitSettings`, or when they could not be read. */
  verify(): Promise<void>;
  /** Null while the connected server is not verified. */
  verified(): Verified | null;
  /** Why it is not. */
  problem(): string;
  /** Grows with each connection. */
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
      // a command that failed with its connection says nothing of the settings
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

/** With these Redis refuses a command before it runs. A proxy may reply with others after it has run. */
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
    // ioredis sends a command again after a reconnect, before the new server is verified
    if (durability.connection() !== sentBy) await durability.verify();
    return orders.map(() => QUEUED);
  } catch (error) {
    const text = messageOf(error);
    // the first try may have been written before the second was refused
    const isRefused = REFUSALS.test(text) && durability.connection() === sentBy;
    throw new Unavailable(isRefused ? "backend_away" : "outcome_unknown", `Redis: ${text}`, error);
  }
};
