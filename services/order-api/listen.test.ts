import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntil } from "../../dev/system/wait.ts";
import { type Listening, listen } from "./listen.ts";

const HOST = "127.0.0.1";
let app: FastifyInstance;
let listening: Listening | null = null;
beforeEach(() => {
  app = fastify();
  app.get("/", () => "here");
});
afterEach(async () => {
  await listening?.close();
  listening = null;
  await app.close();
});
const portOf = (url: string): number => Number(new URL(url).port);

const CLIENTS = 96;
/** Connects so many times, prints "all" when the kernel has connected all of them, and keeps them open. */
const CONNECT = `
  const { connect } = require("node:net");
  let left = ${CLIENTS};
  for (let n = left; n > 0; n--) connect(process.argv[1], "${HOST}", () => --left || process.stdout.write("all"));
  process.stdin.resume();
`;

/** Blocks the event loop. */
const block = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test("accepts many concurrent connections within a few turns of the event loop", async () => {
  listening = await listen(app, { host: HOST, port: 0 });
  let accepted = 0;
  app.server.on("connection", () => accepted++);
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-listen-"));
  const output = join(folder, "output");
  const clients = spawn(process.execPath, ["-e", CONNECT, String(portOf(listening.url))], {
    stdio: ["pipe", openSync(output, "w"), "inherit"],
  });
  try {
    while (readFileSync(output, "utf8") !== "all") block(20);
    let turns = 0;
    for (; accepted < CLIENTS && turns < 10 * CLIENTS; turns++) await turn();
    expect(accepted).toBe(CLIENTS);
    // one socket would take as many turns as there are clients
    expect(turns).toBeLessThan(CLIENTS / 2);
  } finally {
    clients.kill();
    await once(clients, "close");
    rmSync(folder, { recursive: true });
  }
});

test("serves connections of every listening socket", async () => {
  listening = await listen(app, { host: HOST, port: 0 });
  const { url } = listening;
  const replies = Array.from({ length: 64 }, async () => {
    const reply = await fetch(url, { headers: { connection: "close" } });
    return reply.text();
  });
  expect(new Set(await Promise.all(replies))).toEqual(new Set(["here"]));
});

test("rejects a port in use, also by a server that shares ports", async () => {
  listening = await listen(app, { host: HOST, port: 0 });
  const second = fastify();
  await expect(listen(second, { host: HOST, port: portOf(listening.url) })).rejects.toThrow("EADDRINUSE");
  await second.close();
});

test("refuses connections once it is closed", async () => {
  listening = await listen(app, { host: HOST, port: 0 });
  const port = portOf(listening.url);
  await listening.close();
  for (let attempt = 0; attempt < 32; attempt++) {
    const socket = createConnection(port, HOST);
    await expect(once(socket, "connect")).rejects.toThrow("ECONNREFUSED");
  }
});

test("closing waits for a pending reply on any listening socket", async () => {
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>();
  let inHand = 0;
  app.get("/slow", async () => {
    inHand++;
    await isDone;
    return "late";
  });
  listening = await listen(app, { host: HOST, port: 0 });
  // one alone: of several, one is likely to come by the app's own socket, for which the app waits anyway
  const reply = fetch(`${listening.url}/slow`, { headers: { connection: "close" } }).then((each) =>
    each.text(),
  );
  await waitUntil("the request is pending", () => inHand === 1);
  let isClosed = false;
  const closing = listening.close().then(() => {
    isClosed = true;
  });
  await sleep(100);
  expect(isClosed).toBe(false);
  done();
  expect(await reply).toBe("late");
  await closing;
});
