import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeIdleConnections } from "./idle-connections.ts";

const IDLE_MS = 1_000;
const server = createServer((_request, response) => void response.end("here"));
beforeAll(async () => {
  closeIdleConnections(server, IDLE_MS);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

/** A connection on which requests can be sent. */
const open = async () => {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const ask = async (): Promise<void> => {
    socket.write("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
    await once(socket, "data");
  };
  return { socket, ask };
};

test("closes a connection that was idle, and not before", async () => {
  const { socket, ask } = await open();
  await ask();
  const askedAt = performance.now();
  socket.resume();
  await once(socket, "close");
  // the last byte left the server before it arrived here
  expect(performance.now() - askedAt).toBeGreaterThan(IDLE_MS * 0.9);
});

test("keeps a connection that sends requests", async () => {
  const { socket, ask } = await open();
  const until = performance.now() + 3 * IDLE_MS;
  while (performance.now() < until) {
    await ask();
    await sleep(IDLE_MS / 16);
  }
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test("does not announce a time that it does not keep to", async () => {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  expect(response.headers.get("keep-alive")).toBeNull();
});
