import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, test } from "vitest";
import { folderForFile } from "../../../test/temporary.ts";
import { waitUntil } from "../wait.ts";
import { serverFolder, serverUser } from "./data-dir.ts";
import { launch } from "./process.ts";
import { childrenOf, isAlive } from "./process-tree.ts";
import { redisIsReady } from "./ready.ts";
import { startRedis } from "./redis.ts";
import type { Guarded } from "./server.ts";

const base = folderForFile();
beforeAll(() => startRedis({ name: "redis-board", role: "board" }).then((server) => server.stop())); // may install it

/** A program that starts servers, prints their processes, and waits until it is killed. */
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

  test("kill -9 of the guard stops its server and is reported", async () => {
    const server = await startRedis({ name: "redis-board", role: "board" });
    const pid = server.pid();
    const reported = new Promise<void>((resolve) => server.onExit(resolve));
    const guard = childrenOf(process.pid).find((child) => childrenOf(child).includes(pid));
    process.kill(guard ?? 0, "SIGKILL");
    await reported;
    await untilGone([pid]);
    await server.stop();
  });

  test("passes variables, which may hold passwords, only to the server", async () => {
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

  test("stops a server whose pid it cannot write, as on a full disk", async () => {
    const folder = join(base, "full");
    mkdirSync(join(folder, "server.pid"), { recursive: true });
    expect(await guardError({ name: "sleep", command: "sleep", args: ["60"], folder })).toContain("EISDIR");
  });

  test("fails on data that another server uses, and names its process", async () => {
    const folder = join(base, "kept");
    const server = await startRedis({ name: "redis-stream", role: "stream", dataDir: folder });
    const second = { name: "redis-stream", command: "redis-server", args: [], folder };
    expect(await guardError(second)).toContain(`process ${server.pid()}`);
    await server.stop();
  });
});

/** Runs a guard that fails, and returns its error. */
const guardError = async (server: Pick<Guarded, "name" | "command" | "args" | "folder">): Promise<string> => {
  const limits = {
    stopSignal: "SIGTERM",
    stopWithinMs: 1_000,
    earlierWithinMs: 200,
    temporary: false,
  } as const;
  const guarded: Guarded = { ...server, ...limits };
  const guard = spawn(process.execPath, [join(import.meta.dirname, "guard.ts"), JSON.stringify(guarded)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(guard, "exit");
  const [line] = (await once(guard.stdout, "data")) as [Buffer];
  await exited;
  expect(guard.exitCode).toBe(1);
  return (JSON.parse(line.toString()) as { error: string }).error;
};
