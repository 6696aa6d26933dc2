import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { randomFrom } from "#shared/domain/random.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { waitUntil } from "./wait.ts";

/** Answers each text in capitals. */
let server: Server;
let received: string;
let proxy: TcpProxy;
const clients: Socket[] = [];
beforeEach(async () => {
  received = "";
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received += bytes;
      socket.write(String(bytes).toUpperCase());
    });
    socket.on("end", () => socket.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await openTcpProxy(randomFrom(1));
  proxy.forwardTo((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  server.close();
});

type Client = { readonly socket: Socket; text(): string; end(): string };
const open = async (): Promise<Client> => {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  let [text, end] = ["", ""];
  socket.on("data", (bytes) => {
    text += bytes;
  });
  socket.on("end", () => {
    end ||= "end";
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end ||= error.code ?? "error";
  });
  // one that is reset at once may never emit "connect"
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return { socket, text: () => text, end: () => end };
};
/** Sends a text, and waits for the server's answer after the texts before. */
const exchange = async (client: Client, text: string): Promise<void> => {
  const expected = client.text() + text.toUpperCase();
  client.socket.write(text);
  await waitUntil("the answer", () => client.text() === expected);
};
const untilReset = (client: Client): Promise<void> =>
  waitUntil("a reset", () => client.end() === "ECONNRESET");
const QUIET_MS = 100;

test("undisturbed: passes bytes and ends both ways", async () => {
  const client = await open();
  await exchange(client, "hello");
  client.socket.end();
  await waitUntil("the end", () => client.end() === "end");
});

test("cut: resets connections and new ones until it is over", async () => {
  const client = await open();
  await exchange(client, "hello");
  proxy.disturb("cut");
  await untilReset(client);
  const late = await open();
  await untilReset(late);
  proxy.disturb("none");
  const later = await open();
  await exchange(later, "again");
});

test("silent: drops everything without an error; then resets only connections that missed bytes", async () => {
  const [busy, idle] = [await open(), await open()];
  await exchange(idle, "hello");
  received = "";
  proxy.disturb("silent");
  busy.socket.write("hello");
  const made = await open();
  await sleep(QUIET_MS);
  expect([received, busy.end(), made.end()]).toEqual(["", "", ""]);
  proxy.disturb("none");
  await untilReset(busy);
  await exchange(idle, "still here");
});

test("replies-lost: passes requests and drops replies", async () => {
  const client = await open();
  proxy.disturb("replies-lost");
  client.socket.write("hello");
  await waitUntil("the request", () => received === "hello");
  await sleep(QUIET_MS);
  expect([client.text(), client.end()]).toEqual(["", ""]);
  proxy.disturb("none");
  await untilReset(client);
});

test("requests-lost: passes replies and drops what is sent from then on", async () => {
  const client = await open();
  proxy.disturb({ delayMs: 50, jitterMs: 0 });
  client.socket.write("hello");
  await sleep(10);
  proxy.disturb("requests-lost");
  client.socket.write(" again");
  await waitUntil("the answer", () => client.text() === "HELLO");
  await sleep(QUIET_MS);
  expect([received, client.end()]).toEqual(["hello", ""]);
  proxy.disturb("none");
  await untilReset(client);
});

test("forgotten: existing connections stay silent for good, new ones work", async () => {
  const client = await open();
  await exchange(client, "hello");
  proxy.disturb("forgotten");
  client.socket.write(" again");
  const later = await open();
  await exchange(later, "new");
  proxy.disturb("none");
  client.socket.write(" and again");
  await exchange(later, "er");
  await sleep(QUIET_MS);
  expect([client.text(), client.end(), received]).toEqual(["HELLO", "", "hellonewer"]);
});

test("delay: passes everything late and in order, across its end", async () => {
  const client = await open();
  proxy.disturb({ delayMs: 50, jitterMs: 50 });
  const startedMs = performance.now();
  for (const piece of ["a", "b", "c", "d"]) {
    client.socket.write(piece);
    await sleep(5);
  }
  proxy.disturb("none");
  client.socket.write("e");
  await waitUntil("all of it", () => client.text() === "ABCDE");
  expect(performance.now() - startedMs).toBeGreaterThan(50);
  expect(received).toBe("abcde");
});
