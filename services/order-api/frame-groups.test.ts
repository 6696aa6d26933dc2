import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { waitUntil } from "../../dev/system/wait.ts";
import { type AnswerFrames, type FrameGroups, openFrameGroups } from "./frame-groups.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
let groups: FrameGroups;
let answer: AnswerFrames;
beforeAll(async () => {
  if (server.address() === null) await once(server, "listening");
});
beforeEach(() => {
  groups = openFrameGroups();
  answer = async (frames) => frames.map((frame) => frame.toUpperCase());
});
afterAll(() => server.close());

/** Both ends of a connection that is served. */
const connect = async () => {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [served] = (await once(server, "connection")) as [WebSocket];
  groups.serve(served, (frames) => answer(frames));
  const results: string[] = [];
  client.on("message", (data) => results.push(...(JSON.parse(String(data)) as string[])));
  if (client.readyState !== client.OPEN) await once(client, "open");
  return { client, served, results };
};

test("reads no more than a thousand frames, and what came with the last one, before it has answered", async () => {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  answer = async (frames) => {
    asked += frames.length;
    await held.promise;
    return frames;
  };
  const { client, served, results } = await connect();
  const sent = 50_000;
  for (let frame = 0; frame < sent; frame++) client.send("a frame of some forty characters, like so");
  await waitUntil("it is held back", () => served.isPaused);
  const atOnce = asked;
  expect(atOnce).toBeLessThan(4_000);
  held.resolve();
  await waitUntil("every frame has a result", () => results.length === sent);
  client.terminate();
});

test("reads no more while results are unread", async () => {
  answer = async (frames) => frames.map(() => "x".repeat(1_000));
  const { client, served } = await connect();
  client.pause();
  for (let frame = 0; frame < 50_000; frame++) client.send("a frame");
  await waitUntil("it is held back", () => served.isPaused && served.bufferedAmount > 0);
  expect(served.bufferedAmount).toBeLessThan(10_000_000);
  client.resume();
  await waitUntil("it is read again", () => !served.isPaused && served.bufferedAmount === 0);
  client.terminate();
});

test("sends the results of what was read before it closes", async () => {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  answer = async (frames) => {
    asked += frames.length;
    await held.promise;
    return frames;
  };
  const { client, results } = await connect();
  const closed = once(client, "close");
  for (const text of ["one", "two"]) client.send(text);
  await waitUntil("both are read", () => asked === 2);
  const closing = groups.close();
  held.resolve();
  await closing;
  expect((await closed)[0]).toBe(1001);
  expect(results.sort()).toEqual(["one", "two"]);
});
