import type { Verified } from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import type { RedisStreamsSettings } from "./knobs.ts";
import type { StreamClient } from "./stream.ts";

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
 * Reads the settings back, and rejects with `UnfitSettings` when one of them breaks the promise. A Redis that
 * does not let them be read is accepted only with V2_APPENDFSYNC=unverified.
 */
export const verifyDurability = async (
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
