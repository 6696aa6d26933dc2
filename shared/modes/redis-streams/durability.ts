import type { Log } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import type { StreamClient } from "./stream.ts";

/** What makes "202: in the stream, fsynced" true, and what an order could be lost to without it. */
const NEEDED = [
  { setting: "appendonly", value: "yes", risk: "a restart loses every order in the stream" },
  { setting: "appendfsync", value: "always", risk: "a crash loses orders that were acknowledged" },
  {
    setting: "no-appendfsync-on-rewrite",
    value: "no",
    risk: "a crash during a rewrite loses orders that were acknowledged",
  },
  { setting: "maxmemory-policy", value: "noeviction", risk: "a full memory may evict the stream" },
] as const;

/**
 * Tells, on each connection, which settings of the server break the promise of a reply. Durability is a knob of the
 * experiment, so orders are taken all the same; but never in silence.
 */
export const tellDurability = async (redis: StreamClient, log: Log): Promise<void> => {
  try {
    const reply = (await redis.config("GET", ...NEEDED.map(({ setting }) => setting))) as string[];
    for (const { setting, value, risk } of NEEDED) {
      const found = reply[reply.indexOf(setting) + 1];
      if (found !== value)
        log.warn({ mode: "v2", setting, found, needed: value }, `the stream's Redis: ${risk}`);
    }
  } catch (error) {
    // a managed Redis may not let its settings be read
    log.info(
      { mode: "v2", reason: messageOf(error) },
      "the durability of the stream's Redis could not be read",
    );
  }
};
