import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../wait.ts";
import { serverFolder, serverUser } from "./data-dir.ts";
import { launch } from "./process.ts";
import { childrenOf, isAlive } from "./process-tree.ts";
import { redisIsReady } from "./ready.ts";
import { startRedis } from "./redis.ts";
import type { Guarded } from "./server.ts";

const base = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-test-"));
chmodSync(base, 0o755);
beforeAll(() => startRedis({ name: "redis-board", role: "board" }).then((server) => server.stop())); // may install it
afterAll(() => rmSync(base, { recursive: true }));

/** A program that starts servers, says what it got, and then does nothing until it is killed. */
const startProgram = async (start: string) => {
  const at = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  const source = `
    const { startPostgres } = await import(${at("postgres.ts")});
    const { startRedis } = await import(${at("redis.ts")});
    const { childrenOf } = await import(${at("process-tree.ts")});
    const servers = await Promise.all(${start});
    console.log(JSON.stringify({ guards: childrenOf(process.pid), pids: servers.map((s) => s.pid()), port: servers[0].port }));
    setInterval(() => {}, 1000);`;
  const program = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(program, "exit").then(() => Promise.reject(new Error("the program ended")));
  ended.catch(() => undefined);
  const lines = createInterface({ input: program.stdout });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  return { program, ...(JSON.parse(line) as { guards: number[]; pids: number[]; port: number }) };
};
const untilGone = (pids: number[]) => waitUntil(`${pids} are gone`, () => !pids.some(isAlive));

describe("the guard", () => {
  test("kill -9 of the program leaves no server behind, even a paused one", async () => {
    const redis = '{ name: "redis-stream", role: "stream" }';
    const { program, guards, pids } = await startProgram(
      `[startPostgres({ durable: false }), startRedis(${redis})]`,
    );
    expect(pids.every(isAlive)).toBe(true);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    program.kill("SIGKILL");
    await untilGone([...guards, ...pids]);
  });

  test("a second start on the same data waits for the first server's end, and finds its data", async () => {
    const dataDir = join(base, "data");
    const redis = JSON.stringify({ name: "redis-stream", role: "stream", dataDir });
    const { program, pids } = await startProgram(`[startRedis(${redis})]`);
    program.kill("SIGKILL");
    const next = await startRedis({ name: "redis-stream", role: "stream", dataDir });
    expect(pids.filter(isAlive)).toEqual([]);
    await next.stop();
    expect(existsSync(join(dataDir, "appendonlydir"))).toBe(true);
  });

  test("kill -9 of program and guard: the next start ends the orphan first", async () => {
    const dataDir = join(base, "orphan");
    const redis = JSON.stringify({ name: "redis-stream", role: "stream", dataDir });
    const { program, guards, pids, port } = await startProgram(`[startRedis(${redis})]`);
    for (const pid of [program.pid ?? 0, ...guards]) process.kill(pid, "SIGKILL");
    await untilGone(guards);
    expect(await redisIsReady(port)).toBe(true);
    const next = await startRedis({ name: "redis-stream", role: "stream", dataDir });
    expect(pids.filter(isAlive)).toEqual([]);
    await next.stop();
  });

  test("kill -9 of the guard alone ends its server and is reported", async () => {
    const server = await startRedis({ name: "redis-board", role: "board" });
    const pid = server.pid();
    const reported = new Promise<void>((resolve) => server.onExit(resolve));
    const guard = childrenOf(process.pid).find((child) => childrenOf(child).includes(pid));
    process.kill(guard ?? 0, "SIGKILL");
    await reported;
    await untilGone([pid]);
    await server.stop();
  });

  test("hands a server its variables, which may hold passwords, so that no other user reads them", async () => {
    const server = await launch({
      name: "sleep",
      url: "",
      port: 0,
      command: "sleep",
      args: ["60"],
      env: { COFFEE_PASSWORD: "s3cret" },
      ...serverFolder("sleep", join(base, "variables")),
      ...serverUser(),
      stopSignal: "SIGTERM",
      stopWithinMs: 1_000,
      isReady: async () => true,
      readyWithinMs: 120_000,
    });
    const guard = childrenOf(process.pid).find((child) => childrenOf(child).includes(server.pid())) ?? 0;
    expect(readFileSync(`/proc/${guard}/cmdline`, "utf8")).toMatch(/guard\.ts.*sleep/s);
    expect(readFileSync(`/proc/${guard}/cmdline`, "utf8")).not.toContain("s3cret");
    const variables = readFileSync(`/proc/${server.pid()}/environ`, "utf8").split("\0");
    expect(variables).toContain("COFFEE_PASSWORD=s3cret");
    expect(variables.join()).not.toContain("COFFEE_RT_SERVER_ENVIRONMENT");
    await server.stop();
  });

  test("ends a server whose pid it cannot write down, as on a full disk", async () => {
    const folder = join(base, "full");
    mkdirSync(join(folder, "server.pid"), { recursive: true });
    const guarded: Guarded = {
      name: "sleep",
      command: "sleep",
      args: ["60"],
      folder,
      stopSignal: "SIGTERM",
      stopWithinMs: 1_000,
      earlierWithinMs: 5_000,
      temporary: false,
    };
    const guard = spawn(process.execPath, [join(import.meta.dirname, "guard.ts"), JSON.stringify(guarded)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(guard, "exit");
    const [line] = (await once(guard.stdout, "data")) as [Buffer];
    expect(JSON.parse(line.toString()).error).toContain("EISDIR");
    await ended;
    expect(guard.exitCode).toBe(1);
  });

  test("gives up on data that another server keeps, naming its process", async () => {
    const dataDir = join(base, "kept");
    const server = await startRedis({ name: "redis-stream", role: "stream", dataDir });
    const second: Guarded = {
      name: "redis-stream",
      command: "redis-server",
      args: [],
      folder: dataDir,
      stopSignal: "SIGTERM",
      stopWithinMs: 1_000,
      earlierWithinMs: 200,
      temporary: false,
    };
    const guard = spawn(process.execPath, [join(import.meta.dirname, "guard.ts"), JSON.stringify(second)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(guard.stdout, "data")) as [Buffer];
    expect(JSON.parse(line.toString()).error).toContain(`process ${server.pid()}`);
    await once(guard, "exit");
    expect(guard.exitCode).toBe(1);
    await server.stop();
  });
});
