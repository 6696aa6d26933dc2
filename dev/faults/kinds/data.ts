/** What was stored is gone, or comes again. */
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import type { Fault } from "../fault.ts";

export const flushBoard: Fault = {
  name: "flush-board",
  strike: async ({ ground }) => {
    const options = { ...redisOptions("coffee-faults"), lazyConnect: true };
    const client = openRedis(ground.addresses.board, options, () => undefined);
    await client.connect();
    await client.flushall();
    await closeRedis(client);
  },
  recoverWithinSeconds: 15,
};
