import type { Order } from "../../domain/order.ts";
import { type Intake, type Log, type Receipt, Unavailable, type Verified } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../limits.ts";
import { isRefusal, UnfitSettings, verifyDurability } from "./durability.ts";
import type { RedisStreamsSettings } from "./knobs.ts";
import { entryTimeMs, openStream, type StreamClient } from "./stream.ts";

const QUEUED: Receipt = { replayed: false };

/** v2: the orders that wait while an XADD is in flight become one stream entry. */
export const openRedisStreamsIntake = (settings: RedisStreamsSettings, log: Log): Intake => {
  const redis = openStream(settings.streamRedisUrl, "coffee-v2-intake", log);
  const durability = openDurability(redis, settings, log);
  let connections = 0;
  redis.on("connect", () => connections++);
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v2GroupMaxOrders,
      maxInFlight: settings.v2MaxWritesInFlight,
      maxQueued: settings.v2MaxQueuedOrders,
      lingerMs: 0,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    async (orders) => {
      durability.expectVerified();
      const connection = connections;
      // ioredis sends a command again after a reconnect: its first try may have been written before the second was refused
      return add(redis, settings.v2Stream, orders, () => connections === connection);
    },
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

/** Follows whether the connected server keeps the promise of a reply. */
const openDurability = (redis: StreamClient, settings: RedisStreamsSettings, log: Log) => {
  let verified: Verified | null = null;
  let problem = "the stream's Redis does not answer";
  const verify = async (): Promise<void> => {
    try {
      verified = await verifyDurability(redis, settings);
      problem = "";
    } catch (error) {
      // a command that failed with its connection says nothing of the settings
      if (!(error instanceof UnfitSettings)) throw error;
      verified = null;
      if (problem !== error.message) log.error({ mode: "v2", reason: error.message }, "v2 takes no orders");
      problem = error.message;
      throw error;
    }
  };
  // `backlog` verifies again within a second, and reports the error
  redis.on("ready", () => void verify().catch(() => undefined));
  redis.on("close", () => {
    verified = null;
  });
  return {
    verify,
    verified: () => verified,
    expectVerified: (): void => {
      if (verified === null)
        throw new Unavailable("backend_away", problem || "the stream's Redis is being verified");
    },
  };
};

const add = async (
  redis: StreamClient,
  stream: string,
  orders: readonly Order[],
  isSentOnce: () => boolean,
): Promise<Receipt[]> => {
  if (redis.status !== "ready") throw new Unavailable("backend_away", "the stream's Redis does not answer");
  try {
    await redis.addOrders(stream, orders.length, encodeOrders(orders));
    return orders.map(() => QUEUED);
  } catch (error) {
    // the XADD is the script's last command: when Redis answers with an error, nothing was added
    const reason = isRefusal(error) && isSentOnce() ? "backend_away" : "outcome_unknown";
    throw new Unavailable(reason, `Redis: ${messageOf(error)}`, error);
  }
};
