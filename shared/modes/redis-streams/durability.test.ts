import { afterEach, expect, test } from "vitest";
import { startRedis } from "../../../dev/servers/redis.ts";
import { until } from "../../../test/fresh.ts";
import type { Intake, Log } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { redisStreamsKnobs } from "./knobs.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

/** The settings that an intake complains of on a server with these. */
const complaintsOn = async (settings: Record<string, string>): Promise<string[]> => {
  const server = await startRedis({ name: "redis-stream", role: "stream", settings });
  closers.push(() => server.stop());
  const told: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: (fields) => void told.push((fields as { setting?: string }).setting ?? "?"),
    error: () => undefined,
  };
  const env = { STREAM_REDIS_URL: server.url, DATABASE_URL: "postgres://unused@127.0.0.1/unused" };
  const intake: Intake = openRedisStreamsIntake(loadSettings(redisStreamsKnobs, env), log);
  closers.push(() => intake.close());
  await until("it is connected", () =>
    intake.backlog(1_000_000).then(
      () => true,
      () => false,
    ),
  );
  return told;
};

test("a stream that keeps its promise is not complained of", async () => {
  expect(await complaintsOn({})).toEqual([]);
});

test("each setting that breaks the promise is named", async () => {
  const weak = { appendfsync: "everysec", "maxmemory-policy": "allkeys-lru" };
  expect(await complaintsOn(weak)).toEqual(["appendfsync", "maxmemory-policy"]);
});
