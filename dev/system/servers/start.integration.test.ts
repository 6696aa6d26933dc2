import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { redisIsReady } from "./ready.ts";
import { startServers } from "./start.ts";

const base = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-test-"));
chmodSync(base, 0o755);
afterAll(() => rmSync(base, { recursive: true }));

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

test("ignores a server that only the environment of the test process names", async () => {
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
  const notDocker = createServer((_request, response) => response.writeHead(404).end()).listen(
    0,
    "127.0.0.1",
  );
  await once(notDocker, "listening");
  const { port } = notDocker.address() as AddressInfo;
  const servers = await startServers({ board: {} }, { DOCKER_HOST: `tcp://127.0.0.1:${port}` });
  expect(Object.keys(servers)).toEqual(["board"]);
  expect(servers.board?.name).toBe("redis-board");
  expect(servers.board?.pid()).toBeGreaterThan(0);
  await servers.board?.stop();
  notDocker.close();
});

test("when one cannot start, the others are stopped", async () => {
  const dataDir = join(base, "board");
  const broken = { settings: { maxmemory: "lots" } };
  await expect(startServers({ board: { dataDir }, stream: broken }, {})).rejects.toThrow("redis-stream");
  expect(existsSync(dataDir)).toBe(true);
  const again = await startServers({ board: { dataDir } }, {}); // it would wait for one still running, and fail
  await again.board?.stop();
});

test("a wrong COFFEE_SERVERS is named", async () => {
  await expect(startServers({ board: {} }, { COFFEE_SERVERS: "mocks" })).rejects.toThrow("mocks");
});
