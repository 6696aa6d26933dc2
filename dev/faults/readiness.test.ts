import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { promisedWithin } from "../../test/promised.ts";
import { serveForTest } from "../../test/temporary.ts";
import { waitUntil } from "../system/wait.ts";
import {
  type OrderRequest,
  type OrderResult,
  type ReadinessState,
  readinessProblems,
  resultOf,
  type Sample,
  sampleReadiness,
  stateOf,
} from "./readiness.ts";

const URL = "http://127.0.0.1:1";
const RUN_MS = 20_000;

/** A sample every 250 ms over 20 s, each answered within 10 ms. */
const samplesWith = (stateAt: (atMs: number) => ReadinessState, url = URL): Sample[] =>
  Array.from({ length: RUN_MS / 250 }, (_, index) => {
    const askedMs = index * 250;
    return { url, askedMs, answeredMs: askedMs + 10, state: stateAt(askedMs) };
  });

type Reply = { readonly result: OrderResult; readonly afterMs: number };

/** An order request every 20 ms over 20 s; null is a request without a result. */
const requestsWith = (replyAt: (sentMs: number) => Reply | null, url = URL): OrderRequest[] =>
  Array.from({ length: RUN_MS / 20 }, (_, index) => index * 20).flatMap((sentMs) => {
    const reply = replyAt(sentMs);
    return reply === null ? [] : [{ url, sentMs, decidedMs: sentMs + reply.afterMs, result: reply.result }];
  });

const isIn = (atMs: number, fromMs: number, untilMs: number): boolean => atMs >= fromMs && atMs < untilMs;
const ACKNOWLEDGED: Reply = { result: "acknowledged", afterMs: 5 };
const refusedAfter = (afterMs: number): Reply => ({ result: "refused", afterMs });
const refusedIn =
  (fromMs: number, untilMs: number, afterMs = 5) =>
  (sentMs: number): Reply =>
    isIn(sentMs, fromMs, untilMs) ? refusedAfter(afterMs) : ACKNOWLEDGED;
const unavailableIn =
  (fromMs: number, untilMs: number) =>
  (atMs: number): ReadinessState =>
    isIn(atMs, fromMs, untilMs) ? "unavailable" : "ok";
const alwaysOk = (): ReadinessState => "ok";

const problemsOf = (
  stateAt: (atMs: number) => ReadinessState,
  replyAt: (sentMs: number) => Reply | null,
): string[] => readinessProblems("v1", samplesWith(stateAt), requestsWith(replyAt));

const ok = (): Reply => ACKNOWLEDGED;
const stateIn = (state: ReadinessState, fromMs: number, untilMs: number) => (atMs: number) =>
  isIn(atMs, fromMs, untilMs) ? state : "ok";
/** One order in fifty has another result than the others. */
const mixed = (most: Reply, least: Reply) => (sentMs: number) => (sentMs % 1_000 === 0 ? least : most);
const seldom = (sentMs: number) => (isIn(sentMs, 6_000, 10_000) ? null : refusedIn(5_000, 11_000)(sentMs));
/** Pending all the time, and acknowledged at its end. */
const pending = (sentMs: number): Reply =>
  sentMs === 5_000 ? { result: "acknowledged", afterMs: 6_000 } : refusedIn(5_000, 11_000)(sentMs);
const down = unavailableIn(5_000, 11_000);
const unavailable = (): ReadinessState => "unavailable";

test.each<[string, (atMs: number) => ReadinessState, (sentMs: number) => Reply | null]>([
  ["reports ok while orders are acknowledged", alwaysOk, ok],
  ["follows refused orders at once", down, refusedIn(5_000, 11_000)],
  ["follows refused orders after 2 s", unavailableIn(7_000, 13_000), refusedIn(5_000, 11_000)],
  ["reports ok while a few orders are acknowledged", alwaysOk, mixed(refusedAfter(5), ACKNOWLEDGED)],
  ["is unavailable while a few are acknowledged", unavailable, mixed(refusedAfter(5), ACKNOWLEDGED)],
  ["reports ok while a few orders are refused", alwaysOk, mixed(ACKNOWLEDGED, refusedAfter(5))],
  ["is unavailable while a few are refused", unavailable, mixed(ACKNOWLEDGED, refusedAfter(5))],
  ["reports ok while an order is pending that is acknowledged later", alwaysOk, pending],
  ["does not answer", stateIn("none", 5_000, 11_000), refusedIn(5_000, 11_000)],
  ["does not answer in the middle of an outage", stateIn("none", 7_500, 8_500), refusedIn(5_000, 11_000)],
  ["reports ok while no order is sent", alwaysOk, seldom],
])("finds nothing when /readyz %s", (_, stateAt, replyAt) => {
  expect(problemsOf(stateAt, replyAt)).toEqual([]);
});

test("finds that /readyz reports ok while every order is refused", () => {
  const [problem, ...others] = problemsOf(alwaysOk, refusedIn(5_000, 11_000));
  expect(others).toEqual([]);
  expect(problem).toMatch(/^readyz reported v1 ok for 6\.0 s in which all \d+ order requests were refused$/);
  const count = Number(/all (\d+)/.exec(problem ?? "")?.[1]);
  expect(count).toBeGreaterThan(290);
  expect(count).toBeLessThanOrEqual(300);
});

test.each(["unavailable", "lagging"] as const)("finds %s while every order is acknowledged", (state) => {
  expect(problemsOf(stateIn(state, 5_000, 11_000), ok)).toEqual([
    expect.stringMatching(/^readyz reported v1 \w+ for 5\.\d s in which all \d+ .* acknowledged$/),
  ]);
});

test("finds that /readyz returns to ok 4 s before the orders are acknowledged again", () => {
  expect(problemsOf(unavailableIn(5_000, 9_000), refusedIn(5_000, 13_000))).toHaveLength(1);
  // and both when it follows 4 s late both ways
  expect(problemsOf(unavailableIn(9_000, 15_000), refusedIn(5_000, 11_000))).toHaveLength(2);
});

test("a refusal counts from its end, here after 1.8 s", () => {
  expect(problemsOf(unavailableIn(8_800, 11_000), refusedIn(5_000, 11_000, 1_800))).toEqual([]);
  expect(problemsOf(alwaysOk, refusedIn(5_000, 11_000, 1_800))).toEqual([
    expect.stringContaining("ok for 4.2 s"),
  ]);
});

test("knows nothing about a time without samples", () => {
  const samples = samplesWith(alwaysOk).filter(({ askedMs }) => !isIn(askedMs, 6_000, 10_000));
  expect(readinessProblems("v1", samples, requestsWith(refusedIn(5_000, 11_000)))).toEqual([]);
});

test("compares each API with its own orders", () => {
  const other = "http://127.0.0.1:2";
  const samples = [...samplesWith(alwaysOk), ...samplesWith(unavailableIn(5_000, 11_000), other)];
  const broken = requestsWith(refusedIn(5_000, 11_000), other);
  expect(readinessProblems("v1", samples, [...requestsWith(() => ACKNOWLEDGED), ...broken])).toEqual([]);
  const swapped = requestsWith(() => ACKNOWLEDGED, other);
  expect(
    readinessProblems("v1", samples, [...requestsWith(refusedIn(5_000, 11_000)), ...swapped]),
  ).toHaveLength(2);
});

test("reports an API whose /readyz never answered", () => {
  const none = (): ReadinessState => "none";
  expect(problemsOf(none, () => ACKNOWLEDGED)).toEqual([`/readyz of ${URL} never answered`]);
});

test.each([
  [201, undefined, "acknowledged"],
  [200, undefined, "acknowledged"],
  [503, "backend-away", "refused"],
  [503, "outcome-unknown", "refused"],
  [503, "lag", "refused"],
  [500, "internal", "refused"],
  [503, "queue-full", null],
  [503, "timeout", null],
  [503, "overloaded", null],
  [503, "closing", null],
  [422, "invalid", null],
  [422, "key-conflict", null],
  [429, undefined, null],
] as const)("a reply %s %s is %s", (status, type, result) => {
  expect(resultOf({ status, failure: null }, type)).toBe(result);
});

test("a reply that is missing in time is a refusal, a broken connection has no result", () => {
  expect(resultOf({ status: 0, failure: "timeout" })).toBe("refused");
  expect(resultOf({ status: 0, failure: "connection" })).toBeNull();
});

const answer = (health: string, ready: boolean, stopping = false) => ({
  ...{ ready, stopping, modes: { v1: { health } } },
});

test.each([
  [answer("ok", true), "ok"],
  [answer("unavailable", false), "unavailable"],
  [answer("lagging", false), "lagging"],
  [answer("ok", false), "unavailable"],
  [answer("ok", false, true), "none"],
  [{ ready: true, stopping: false, modes: {} }, "unavailable"],
] as const)("%j is %s", (given, state) => {
  expect(stateOf(given, "v1")).toBe(state);
});

test("decides 200 000 requests in less than 5 s", async () => {
  const requests = Array.from({ length: 200_000 }, (_, index): OrderRequest => {
    const sentMs = index / 10;
    const result = isIn(sentMs, 5_000, 11_000) ? "refused" : "acknowledged";
    return { url: URL, sentMs, decidedMs: sentMs + 5, result };
  });
  // later, when the clock runs
  const problems = Promise.resolve().then(() => readinessProblems("v1", samplesWith(alwaysOk), requests));
  expect(await promisedWithin(5_000, "200 000 requests are decided", problems)).toHaveLength(1);
});

/** An API whose /readyz answers as `answer` does. */
const serve = async (answer: (response: ServerResponse) => void) => {
  const connections = new Set<unknown>();
  const served = await serveForTest((request, response) => {
    if (request.url === "/readyz") answer(response);
  });
  served.server.on("connection", (socket) => connections.add(socket));
  return { ...served, connections };
};

const reportHealth = (health: string) => (response: ServerResponse) =>
  response
    .writeHead(health === "ok" ? 200 : 503)
    .end(JSON.stringify({ ready: health === "ok", stopping: false, modes: { v1: { health } } }));

const sample = (...urls: string[]) => {
  const sampler = sampleReadiness(urls, "v1");
  onTestFinished(sampler.close);
  return sampler;
};

test("samples each API four times a second, on one connection each", async () => {
  const [first, second] = [await serve(reportHealth("ok")), await serve(reportHealth("unavailable"))];
  const { samples } = sample(first.url, second.url);
  await waitUntil("there are eight samples", () => samples.length >= 8);
  const of = (url: string) => samples.filter((each) => each.url === url).map(({ state }) => state);
  expect(of(first.url).slice(0, 3)).toEqual(["ok", "ok", "ok"]);
  expect(of(second.url).slice(0, 3)).toEqual(["unavailable", "unavailable", "unavailable"]);
  expect([first.connections.size, second.connections.size]).toEqual([1, 1]);
  for (const { askedMs, answeredMs } of samples) expect(answeredMs).toBeGreaterThanOrEqual(askedMs);
});

test("an API that hangs, resets, or sends no JSON has no state, and sampling continues", async () => {
  const answers: ((response: ServerResponse) => void)[] = [
    () => undefined,
    (response) => response.destroy(),
    (response) => response.end("<html>"),
  ];
  const { url } = await serve((response) => (answers.shift() ?? reportHealth("ok"))(response));
  const { samples } = sample(url);
  await waitUntil("there are four samples", () => samples.length >= 4);
  expect(samples.slice(0, 4).map(({ state }) => state)).toEqual(["none", "none", "none", "ok"]);
});

test("an API that exited has no state, and sampling stops when it is closed", async () => {
  const api = await serve(reportHealth("ok"));
  const { samples, close } = sample(api.url);
  await waitUntil("there is a sample", () => samples.length > 0);
  api.close();
  await waitUntil("the API does not answer", () => samples.at(-1)?.state === "none");
  close();
  const before = samples.length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(samples.length).toBe(before);
});
