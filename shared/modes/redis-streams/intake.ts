import type { Order } from "../../domain/order.ts";
import { type Intake, type Log, type Receipt, Unavailable } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { closeRedis } from "../../runtime/redis.ts";
import { encodeOrders } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../limits.ts";
import { tellDurability } from "./durability.ts";
import type { RedisStreamsSettings } from "./knobs.ts";
import { entryTimeMs, openStream, type StreamClient } from "./stream.ts";

const QUEUED: Receipt = { replayed: false };

/** v2: the orders that wait while an XADD is in flight become one stream entry. */
export const openRedisStreamsIntake = (settings: RedisStreamsSettings, log: Log): Intake => {
  const redis = openStream(settings.streamRedisUrl, "coffee-v2-intake", log);
  redis.on("ready", () => tellDurability(redis, log));
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v2GroupMaxOrders,
      maxInFlight: settings.v2MaxWritesInFlight,
      maxQueued: settings.v2MaxQueuedOrders,
      lingerMs: 0,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    (orders) => add(redis, settings.v2Stream, orders),
  );
  return {
    accept: group.add,
    backlog: async () => {
      const [orders, oldestId] = await redis.backlogOf(settings.v2Stream, settings.v2Group);
      return {
        orders: Number(orders),
        oldestMs: oldestId ? Math.max(0, Date.now() - entryTimeMs(oldestId)) : 0,
      };
    },
    close: async () => {
      await group.close();
      await closeRedis(redis);
    },
  };
};

const add = async (redis: StreamClient, stream: string, orders: readonly Order[]): Promise<Receipt[]> => {
  if (redis.status !== "ready") throw new Unavailable("backend_away", "the stream's Redis does not answer");
  try {
    await redis.addOrders(stream, orders.length, encodeOrders(orders));
    return orders.map(() => QUEUED);
  } catch (error) {
    const text = messageOf(error);
    // Redis answered and refused: its memory is full, it is a replica, it is loading, its disk fails
    const refused = /OOM|READONLY|LOADING|MISCONF|NOREPLICAS|BUSY/.test(text);
    throw new Unavailable(refused ? "backend_away" : "outcome_unknown", `Redis: ${text}`, error);
  }
};
