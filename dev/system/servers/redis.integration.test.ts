import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../wait.ts";
import { isAlive } from "./process-tree.ts";
import { redisIsReady } from "./ready.ts";
import { startRedis } from "./redis.ts";
import type { Server } from "./server.ts";

let stream: Server;
let board: Server;
beforeAll(async () => {
  [stream, board] = await Promise.all([
    startRedis({ name: "redis-stream", role: "stream" }),
    startRedis({ name: "redis-board", role: "board", settings: { "notify-keyspace-events": "Ex" } }),
  ]);
});
afterAll(() => Promise.all([stream.stop(), board.stop()]));

/** One inline command on a connection of its own, and the answer as Redis writes it. */
const ask = async (server: Server, command: string) => {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return answer.toString();
};
const setting = async (server: Server, name: string) =>
  (await ask(server, `CONFIG GET ${name}`)).split("\r\n")[4];

describe("startRedis", () => {
  test("the stream's server syncs every write and refuses when it is full", async () => {
    expect(await setting(stream, "appendonly")).toBe("yes");
    expect(await setting(stream, "appendfsync")).toBe("always");
    expect(await setting(stream, "no-appendfsync-on-rewrite")).toBe("no");
    expect(await setting(stream, "maxmemory")).toBe(String(1024 ** 3));
    expect(await setting(stream, "maxmemory-policy")).toBe("noeviction");
  });

  test("the board's server stores nothing on disk and has the caller's settings", async () => {
    expect(await setting(board, "appendonly")).toBe("no");
    expect(await setting(board, "save")).toBe("");
    expect(await setting(board, "maxmemory-policy")).toBe("noeviction");
    expect(await setting(board, "notify-keyspace-events")).toBe("xE");
  });

  test("kill -9: the stream keeps its entries, the board starts empty, both on the same port", async () => {
    await ask(stream, "XADD orders 1-1 order latte");
    await ask(board, "SET picture old");
    const pids = [stream.pid(), board.pid()];
    await Promise.all([stream.kill(), board.kill()]);
    expect(pids.some(isAlive)).toBe(false);
    await Promise.all([stream.start(), board.start()]);
    expect(await ask(stream, "XRANGE orders - +")).toContain("latte");
    expect(await ask(board, "GET picture")).toBe("$-1\r\n");
  });

  test("reports an exit by another kill -9, but not by its own kill", async () => {
    let ended = 0;
    board.onExit(() => ended++);
    await board.kill();
    await board.start();
    expect(ended).toBe(0);
    process.kill(board.pid(), "SIGKILL");
    await waitUntil("the exit is reported", () => ended === 1);
    await board.start();
    expect(await redisIsReady(board.port)).toBe(true);
  });

  test("answers nothing while paused", async () => {
    await stream.pause();
    const answer = redisIsReady(stream.port); // gives up by itself after two seconds
    expect(await Promise.race([answer, once(AbortSignal.timeout(300), "abort")])).not.toBe(true);
    await stream.resume();
    expect(await answer).toBe(true);
  });

  test("a setting that Redis rejects is an error with the message of Redis", async () => {
    const wrong = startRedis({ name: "redis-board", role: "board", settings: { maxmemory: "lots" } });
    await expect(wrong).rejects.toThrow("argument must be a memory value");
  });
});
