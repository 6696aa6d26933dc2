/** An intake on Redis servers whose settings keep the promise of a reply, and on others. */
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "../../../dev/system/servers/redis.ts";
import type { Server } from "../../../dev/system/servers/server.ts";
import { openTcpProxy } from "../../../dev/system/tcp-proxy.ts";
import { someOrders, until } from "../../../test/fresh.ts";
import { randomFrom } from "../../domain/random.ts";
import type { Intake } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import { closeRedis, openRedis, redisOptions } from "../../runtime/redis.ts";
import { openRedisStreamsIntake } from "./intake.ts";
import { redisStreams } from "./mode.ts";

const startStream = async (settings: Record<string, string> = {}): Promise<Server> => {
  const server = await startRedis({ name: "redis-stream", role: "stream", settings });
  onTestFinished(() => server.stop());
  return server;
};

const openIntake = (url: string, env: Record<string, string> = {}) => {
  const logged: string[] = [];
  const error = (fields: object): void => void logged.push((fields as { reason: string }).reason);
  const log = { info: () => undefined, warn: () => undefined, error };
  const given = { STREAM_REDIS_URL: url, DATABASE_URL: "postgres://unused@127.0.0.1/unused", ...env };
  const settings = loadSettings(redisStreams.knobs, given) as Parameters<typeof openRedisStreamsIntake>[0];
  const intake: Intake = openRedisStreamsIntake(settings, log);
  onTestFinished(() => intake.close());
  return { intake, logged, durability: redisStreams.durability(settings as Record<string, unknown>) };
};

const accepts = (intake: Intake): Promise<boolean> =>
  intake.accept(someOrders(1)).then(
    () => true,
    () => false,
  );
const untilAccepting = (intake: Intake) => until("it accepts an order", () => accepts(intake));
/** Why the probe fails once the settings are known; "none" when it succeeds. */
const rejectionOf = async (intake: Intake): Promise<string> => {
  let rejection = "";
  await until("its settings are known", async () => {
    rejection = await intake.probe().then(
      () => "none",
      (error: Error) => error.message,
    );
    return /stream's Redis (has|does not let)|none/.test(rejection);
  });
  return rejection;
};

test("accepts orders with the settings that the reply promises, and reports them", async () => {
  const { intake, logged, durability } = openIntake((await startStream()).url);
  await untilAccepting(intake);
  expect(intake.verified()).toEqual({
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
  });
  expect(durability).toMatch(/fsynced \(appendfsync always\)/);
  expect(logged).toEqual([]);
});

test("rejects orders without these settings, and names each with its risk", async () => {
  const { url } = await startStream({ appendfsync: "everysec", "maxmemory-policy": "allkeys-lru" });
  const { intake, logged } = openIntake(url);
  const sentence =
    "the stream's Redis has appendfsync=everysec, not always: a crash loses acknowledged orders; " +
    "the stream's Redis has maxmemory-policy=allkeys-lru, not noeviction: a full memory may evict the stream";
  expect(await rejectionOf(intake)).toBe(sentence);
  await expect(intake.accept(someOrders(1))).rejects.toMatchObject({
    reason: "backend_away",
    message: sentence,
  });
  expect(intake.verified()).toBe(null);
  expect(logged).toEqual([sentence]);
});

test("does not acknowledge a write that is resent to a server with weaker settings", async () => {
  const server = await startStream();
  const proxy = await openTcpProxy(randomFrom(1));
  onTestFinished(() => proxy.close());
  proxy.forwardTo(server.port);
  const { intake } = openIntake(`redis://127.0.0.1:${proxy.port}`);
  await untilAccepting(intake);
  proxy.disturb("silent");
  const answer = intake.accept(someOrders(1)).then(
    () => "acknowledged",
    (error: { reason: string }) => error.reason,
  );
  const weak = await startStream({ appendfsync: "no" });
  proxy.forwardTo(weak.port);
  proxy.disturb("cut");
  proxy.disturb("none");
  expect(await answer).toBe("outcome_unknown");
  await until("the new server is rejected", async () => /appendfsync=no/.test(await rejectionOf(intake)));
});

test("accepts a weaker setting that an experiment names, and no other", async () => {
  const { url } = await startStream({ appendfsync: "everysec" });
  const { intake, durability } = openIntake(url, { V2_APPENDFSYNC: "everysec" });
  await untilAccepting(intake);
  expect(durability).toMatch(/appendfsync everysec/);
  expect(await rejectionOf(openIntake(url, { V2_APPENDFSYNC: "no" }).intake)).toMatch(
    /has appendfsync=everysec, not no/,
  );
});

test("accepts a Redis whose settings cannot be read only with V2_APPENDFSYNC=unverified", async () => {
  const { url } = await startStream();
  const admin = openRedis(url, { ...redisOptions("test"), enableOfflineQueue: true }, () => undefined);
  onTestFinished(() => closeRedis(admin));
  await admin.acl("SETUSER", "managed", "on", ">secret", "~*", "+@all", "-config");
  const managed = url.replace("redis://", "redis://managed:secret@");
  const { intake } = openIntake(managed);
  expect(await rejectionOf(intake)).toMatch(/NOPERM.*grant \+config\|get, or set V2_APPENDFSYNC=unverified/);
  expect(await accepts(intake)).toBe(false);
  const trusting = openIntake(managed, { V2_APPENDFSYNC: "unverified" });
  await untilAccepting(trusting.intake);
  expect(trusting.intake.verified()).toEqual({});
  expect(trusting.durability).toMatch(/whether it is fsynced is not verified/);
});
