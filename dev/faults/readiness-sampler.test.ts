import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { waitUntil } from "../system/wait.ts";
import { sampleReadiness } from "./readiness-sampler.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (let close = closers.pop(); close; close = closers.pop()) close();
});

/** An API that answers every request as `answer` does. */
const serve = async (answer: (response: ServerResponse) => void) => {
  const connections = new Set<unknown>();
  const server = createServer((request, response) => {
    if (request.url === "/readyz") answer(response);
  });
  server.on("connection", (socket) => connections.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  closers.push(close);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, connections, close };
};

const sayHealth = (health: string) => (response: ServerResponse) =>
  response
    .writeHead(health === "ok" ? 200 : 503)
    .end(JSON.stringify({ ready: health === "ok", stopping: false, modes: { v1: { health } } }));

const sample = (...urls: string[]) => {
  const sampler = sampleReadiness(urls, "v1");
  closers.push(sampler.close);
  return sampler;
};

test("samples each API a few times a second, on one connection each", async () => {
  const [first, second] = [await serve(sayHealth("ok")), await serve(sayHealth("unavailable"))];
  const { samples } = sample(first.url, second.url);
  await waitUntil("eight samples", () => samples.length >= 8, 5_000);
  const of = (url: string) => samples.filter((each) => each.url === url).map(({ state }) => state);
  expect(of(first.url).slice(0, 3)).toEqual(["ok", "ok", "ok"]);
  expect(of(second.url).slice(0, 3)).toEqual(["unavailable", "unavailable", "unavailable"]);
  expect([first.connections.size, second.connections.size]).toEqual([1, 1]);
  for (const { askedMs, answeredMs } of samples) expect(answeredMs).toBeGreaterThanOrEqual(askedMs);
});

test("an API that hangs, resets, or sends no JSON says nothing, and sampling goes on", async () => {
  const answers: ((response: ServerResponse) => void)[] = [
    () => undefined,
    (response) => response.destroy(),
    (response) => response.end("<html>"),
  ];
  const { url } = await serve((response) => (answers.shift() ?? sayHealth("ok"))(response));
  const { samples } = sample(url);
  await waitUntil("four samples", () => samples.length >= 4, 5_000);
  expect(samples.slice(0, 4).map(({ state }) => state)).toEqual(["none", "none", "none", "ok"]);
});

test("an API that is gone says nothing", async () => {
  const { url, close } = await serve(sayHealth("ok"));
  const { samples } = sample(url);
  await waitUntil("a sample", () => samples.length > 0, 5_000);
  close();
  await waitUntil("no answer", () => samples.at(-1)?.state === "none", 5_000);
});

test("samples nothing after it was closed", async () => {
  const { url } = await serve(sayHealth("ok"));
  const { samples, close } = sample(url);
  await waitUntil("a sample", () => samples.length > 0, 5_000);
  close();
  const before = samples.length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(samples.length).toBe(before);
});
