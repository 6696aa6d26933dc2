import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { folderForTest, serveForTest } from "../../../test/temporary.ts";
import { redisIsReady } from "./ready.ts";
import { startServers } from "./start.ts";

test("uses a server that the environment names, and leaves it alone", async () => {
  const own = await startServers({ stream: {} }, { COFFEE_SERVERS: "native" });
  const { stream } = await startServers({ stream: {} }, { STREAM_REDIS_URL: own.stream?.url });
  expect(stream?.url).toBe(own.stream?.url);
  expect(stream?.port).toBe(own.stream?.port);
  expect(() => stream?.kill()).toThrow("STREAM_REDIS_URL");
  await stream?.stop();
  expect(await redisIsReady(own.stream?.port ?? 0)).toBe(true);
  await own.stream?.stop();
});

test("does not use a server that only the environment of the process names", async () => {
  vi.stubEnv("STREAM_REDIS_URL", "redis://production.example:6379");
  try {
    const { stream } = await startServers({ stream: {} });
    expect(stream?.url).not.toContain("production");
    await stream?.stop();
  } finally {
    vi.unstubAllEnvs();
  }
});

test("starts native servers where no Docker engine answers", async () => {
  const notDocker = await serveForTest((_request, response) => response.writeHead(404).end());
  const servers = await startServers({ board: {} }, { DOCKER_HOST: notDocker.url.replace("http", "tcp") });
  expect(Object.keys(servers)).toEqual(["board"]);
  expect(servers.board?.name).toBe("redis-board");
  expect(servers.board?.pid()).toBeGreaterThan(0);
  await servers.board?.stop();
});

test("stops the others when one cannot start", async () => {
  const dataDir = join(folderForTest(), "board");
  const broken = { settings: { maxmemory: "lots" } };
  await expect(startServers({ board: { dataDir }, stream: broken }, {})).rejects.toThrow("redis-stream");
  expect(existsSync(dataDir)).toBe(true);
  const again = await startServers({ board: { dataDir } }, {}); // it would wait for one still running, and fail
  await again.board?.stop();
});

test("names a wrong COFFEE_SERVERS", async () => {
  await expect(startServers({ board: {} }, { COFFEE_SERVERS: "mocks" })).rejects.toThrow("mocks");
});
