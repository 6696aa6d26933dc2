/** An intake on Redis servers with settings that keep the promise of a reply, and with others. */
import { afterEach, expect, test } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import { openTcpProxy } from "../../../dev/system/tcp-proxy.ts";
import { someOrders, until } from "../../../test/fresh.ts";
import { randomFrom } from "../../domain/random.ts";
import type { Intake, Log } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { closeRedis, openRedis, redisOptions } from "../../runtime/redis.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { redisStreams } from "./mode.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

const startStream = async (settings: Record<string, string>): Promise<string> => {
  const server = await startRedis({ name: "redis-stream", role: "stream", settings });
  closers.push(() => server.stop());
  return server.url;
};

const openIntake = (url: string, env: Record<string, string> = {}) => {
  const logged: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (fields) => void logged.push((fields as { reason: string }).reason),
  };
  const given = { STREAM_REDIS_URL: url, DATABASE_URL: "postgres://unused@127.0.0.1/unused", ...env };
  const settings = loadSettings(redisStreams.knobs, given) as Parameters<typeof openRedisStreamsIntake>[0];
  const intake: Intake = openRedisStreamsIntake(settings, log);
  closers.push(() => intake.close());
  return { intake, logged, durability: redisStreams.durability(settings as Record<string, unknown>) };
};

const takes = (intake: Intake): Promise<boolean> =>
  intake.accept(someOrders(1)).then(
    () => true,
    () => false,
  );
const refusalOf = async (intake: Intake): Promise<string> => {
  let refusal = "";
  await until("its settings are known", async () => {
    refusal = await intake.probe().then(
      () => "none",
      (error: Error) => error.message,
    );
    return /stream's Redis (has|does not let)|none/.test(refusal);
  });
  return refusal;
};

test("with the settings that the reply promises orders are taken, and the settings reported", async () => {
  const { intake, logged, durability } = openIntake(await startStream({}));
  await until("it takes an order", () => takes(intake));
  expect(intake.verified()).toEqual({
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
  });
  expect(durability).toMatch(/fsynced \(appendfsync always\)/);
  expect(logged).toEqual([]);
});

test("without them no order is taken, and each setting is named with its risk", async () => {
  const url = await startStream({ appendfsync: "everysec", "maxmemory-policy": "allkeys-lru" });
  const { intake, logged } = openIntake(url);
  const sentence =
    "the stream's Redis has appendfsync=everysec, not always: a crash loses acknowledged orders; " +
    "the stream's Redis has maxmemory-policy=allkeys-lru, not noeviction: a full memory may evict the stream";
  expect(await refusalOf(intake)).toBe(sentence);
  await expect(intake.accept(someOrders(1))).rejects.toMatchObject({
    reason: "backend_away",
    message: sentence,
  });
  expect(intake.verified()).toBe(null);
  expect(logged).toEqual([sentence]);
});

test("a write that is sent again to a server with weaker settings is not acknowledged", async () => {
  const server = await startRedis({ name: "redis-stream", role: "stream" });
  const proxy = await openTcpProxy(randomFrom(1));
  closers.push(
    () => server.stop(),
    () => proxy.close(),
  );
  proxy.forwardTo(server.port);
  const { intake } = openIntake(`redis://127.0.0.1:${proxy.port}`);
  await until("it takes an order", () => takes(intake));
  proxy.disturb("silent");
  const answer = intake.accept(someOrders(1)).then(
    () => "acknowledged",
    (error: { reason: string }) => error.reason,
  );
  const weak = await startRedis({ name: "redis-stream", role: "stream", settings: { appendfsync: "no" } });
  closers.push(() => weak.stop());
  proxy.forwardTo(weak.port);
  proxy.disturb("cut");
  proxy.disturb("none");
  expect(await answer).toBe("outcome_unknown");
  await until("the new server is refused", async () => /appendfsync=no/.test(await refusalOf(intake)));
});

test("an experiment names the weaker setting, which then has to be there", async () => {
  const url = await startStream({ appendfsync: "everysec" });
  const { intake, durability } = openIntake(url, { V2_APPENDFSYNC: "everysec" });
  await until("it takes an order", () => takes(intake));
  expect(durability).toMatch(/appendfsync everysec/);
  expect(await refusalOf(openIntake(url, { V2_APPENDFSYNC: "no" }).intake)).toMatch(
    /has appendfsync=everysec, not no/,
  );
});

test("a Redis that does not let its settings be read is trusted only when it is said so", async () => {
  const url = await startStream({});
  const admin = openRedis(url, { ...redisOptions("test"), enableOfflineQueue: true }, () => undefined);
  closers.push(() => closeRedis(admin));
  await admin.acl("SETUSER", "managed", "on", ">secret", "~*", "+@all", "-config");
  const managed = url.replace("redis://", "redis://managed:secret@");
  const { intake } = openIntake(managed);
  expect(await refusalOf(intake)).toMatch(/NOPERM.*grant \+config\|get, or set V2_APPENDFSYNC=unverified/);
  expect(await takes(intake)).toBe(false);
  const trusting = openIntake(managed, { V2_APPENDFSYNC: "unverified" });
  await until("it takes an order", () => takes(trusting.intake));
  expect(trusting.intake.verified()).toEqual({});
  expect(trusting.durability).toMatch(/whether it is fsynced is not verified/);
});
