import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { randomFrom } from "#shared/domain/random.ts";
import { waitUntil } from "../system/wait.ts";
import { openWire, type Wire } from "./wire.ts";

/** Answers each piece with the same in capitals. */
let server: Server;
let heard: string;
let wire: Wire;
const clients: Socket[] = [];
beforeEach(async () => {
  heard = "";
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      heard += bytes;
      socket.write(String(bytes).toUpperCase());
    });
    socket.on("end", () => socket.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  wire = await openWire(randomFrom(1));
  wire.leadTo((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await wire.close();
  server.close();
});

type Client = { readonly socket: Socket; said(): string; end(): string };
const open = async (): Promise<Client> => {
  const socket = connect(wire.port, "127.0.0.1");
  clients.push(socket);
  let [said, end] = ["", ""];
  socket.on("data", (bytes) => {
    said += bytes;
  });
  socket.on("end", () => {
    end ||= "end";
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end ||= error.code ?? "error";
  });
  // one that is reset at once may never be told that it was connected
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return { socket, said: () => said, end: () => end };
};
const within = (what: string, condition: () => boolean) => waitUntil(what, condition, 5_000);
const QUIET_MS = 100;

test("undisturbed, everything arrives both ways, the ends too", async () => {
  const client = await open();
  client.socket.write("hello");
  await within("the answer", () => client.said() === "HELLO");
  client.socket.end();
  await within("the end", () => client.end() === "end");
});

test("cut: connections are reset, and new ones too, until it is over", async () => {
  const client = await open();
  client.socket.write("hello");
  await within("the answer", () => client.said() === "HELLO");
  wire.disturb("cut");
  await within("a reset", () => client.end() === "ECONNRESET");
  const late = await open();
  await within("a reset", () => late.end() === "ECONNRESET");
  wire.disturb("none");
  const later = await open();
  later.socket.write("again");
  await within("the answer", () => later.said() === "AGAIN");
});

test("silent: nothing arrives and nobody is told; afterwards what missed bytes is reset, the rest goes on", async () => {
  const [told, idle] = [await open(), await open()];
  idle.socket.write("hello");
  await within("the answer", () => idle.said() === "HELLO");
  heard = "";
  wire.disturb("silent");
  told.socket.write("hello");
  const made = await open();
  await sleep(QUIET_MS);
  expect([heard, told.end(), made.end()]).toEqual(["", "", ""]);
  wire.disturb("none");
  await within("a reset", () => told.end() === "ECONNRESET");
  idle.socket.write("still here");
  await within("the answer", () => idle.said() === "HELLOSTILL HERE");
});

test("replies-lost: the request arrives and its reply does not", async () => {
  const client = await open();
  wire.disturb("replies-lost");
  client.socket.write("hello");
  await within("the request", () => heard === "hello");
  await sleep(QUIET_MS);
  expect([client.said(), client.end()]).toEqual(["", ""]);
  wire.disturb("none");
  await within("a reset", () => client.end() === "ECONNRESET");
});

test("requests-lost: what is under way is answered, what is sent from then on does not arrive", async () => {
  const client = await open();
  wire.disturb({ delayMs: 50, jitterMs: 0 });
  client.socket.write("hello");
  await sleep(10);
  wire.disturb("requests-lost");
  client.socket.write(" again");
  await within("the answer", () => client.said() === "HELLO");
  await sleep(QUIET_MS);
  expect([heard, client.end()]).toEqual(["hello", ""]);
  wire.disturb("none");
  await within("a reset", () => client.end() === "ECONNRESET");
});

test("forgotten: connections of before stay silent for good, and new ones are as ever", async () => {
  const client = await open();
  client.socket.write("hello");
  await within("the answer", () => client.said() === "HELLO");
  wire.disturb("forgotten");
  client.socket.write(" again");
  const later = await open();
  later.socket.write("new");
  await within("the answer", () => later.said() === "NEW");
  wire.disturb("none");
  client.socket.write(" and again");
  later.socket.write("er");
  await within("the answer", () => later.said() === "NEWER");
  await sleep(QUIET_MS);
  expect([client.said(), client.end(), heard]).toEqual(["HELLO", "", "hellonewer"]);
});

test("slow: everything arrives late and in order, also what was sent when it ends", async () => {
  const client = await open();
  wire.disturb({ delayMs: 50, jitterMs: 50 });
  const startedMs = performance.now();
  for (const piece of ["a", "b", "c", "d"]) {
    client.socket.write(piece);
    await sleep(5);
  }
  wire.disturb("none");
  client.socket.write("e");
  await within("all of it", () => client.said() === "ABCDE");
  expect(performance.now() - startedMs).toBeGreaterThan(50);
  expect(heard).toBe("abcde");
});
