import { expect, test } from "vitest";
import {
  type OrderRequest,
  type OrderResult,
  type ReadinessState,
  readinessProblems,
  resultOf,
  type Sample,
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

test("finds nothing when orders are acknowledged and /readyz says ok", () => {
  expect(problemsOf(alwaysOk, () => ACKNOWLEDGED)).toEqual([]);
});

test("finds that /readyz says ok while every order is refused", () => {
  const [problem, ...others] = problemsOf(alwaysOk, refusedIn(5_000, 11_000));
  expect(others).toEqual([]);
  expect(problem).toMatch(/^readyz said v1 ok for 6\.0 s in which all \d+ order requests were refused$/);
  const count = Number(/all (\d+)/.exec(problem ?? "")?.[1]);
  expect(count).toBeGreaterThan(290);
  expect(count).toBeLessThanOrEqual(300);
});

test("finds that /readyz says unavailable while every order is acknowledged", () => {
  expect(problemsOf(unavailableIn(5_000, 11_000), () => ACKNOWLEDGED)).toEqual([
    expect.stringMatching(/^readyz said v1 unavailable for 5\.\d s in which all \d+ .* acknowledged$/),
  ]);
});

test("finds that /readyz says lagging while every order is acknowledged", () => {
  const lagging = (atMs: number): ReadinessState => (isIn(atMs, 5_000, 11_000) ? "lagging" : "ok");
  expect(problemsOf(lagging, () => ACKNOWLEDGED)).toHaveLength(1);
});

test.each([
  ["at once", 0],
  ["2 s later", 2_000],
])("finds nothing when /readyz follows the orders %s", (_, lateMs) => {
  expect(problemsOf(unavailableIn(5_000 + lateMs, 11_000 + lateMs), refusedIn(5_000, 11_000))).toEqual([]);
});

test("finds that /readyz returns to ok 4 s before the orders are acknowledged again", () => {
  expect(problemsOf(unavailableIn(5_000, 9_000), refusedIn(5_000, 13_000))).toHaveLength(1);
});

test("finds both when /readyz follows 4 s late both ways", () => {
  expect(problemsOf(unavailableIn(9_000, 15_000), refusedIn(5_000, 11_000))).toHaveLength(2);
});

test("finds nothing when refusals take 1.8 s each and /readyz follows 2 s after the first", () => {
  expect(problemsOf(unavailableIn(8_800, 11_000), refusedIn(5_000, 11_000, 1_800))).toEqual([]);
});

test("finds refusals that take 1.8 s each", () => {
  expect(problemsOf(alwaysOk, refusedIn(5_000, 11_000, 1_800))).toEqual([
    expect.stringContaining("ok for 4.2 s"),
  ]);
});

test.each(["refused", "acknowledged"] as const)(
  "finds nothing while a part of the orders has another result than %s",
  (most) => {
    const least = most === "refused" ? ACKNOWLEDGED : refusedAfter(5);
    const mixed = (sentMs: number): Reply | null =>
      sentMs % 1_000 === 0 ? least : most === "refused" ? refusedAfter(5) : ACKNOWLEDGED;
    expect(problemsOf(alwaysOk, mixed)).toEqual([]);
    expect(problemsOf(() => "unavailable", mixed)).toEqual([]);
  },
);

test("an order that was pending the whole time and acknowledged at the end hides nothing known", () => {
  const paused = (sentMs: number): Reply => {
    if (!isIn(sentMs, 5_000, 11_000)) return ACKNOWLEDGED;
    return sentMs === 5_000 ? { result: "acknowledged", afterMs: 6_000 } : refusedAfter(5);
  };
  expect(problemsOf(alwaysOk, paused)).toEqual([]);
});

test("an API that does not answer /readyz says nothing", () => {
  const dead = (atMs: number): ReadinessState => (isIn(atMs, 5_000, 11_000) ? "none" : "ok");
  expect(problemsOf(dead, refusedIn(5_000, 11_000))).toEqual([]);
});

test("a silence of /readyz separates what it said before from what it says afterwards", () => {
  const restarted = (atMs: number): ReadinessState => (isIn(atMs, 7_500, 8_500) ? "none" : "ok");
  expect(problemsOf(restarted, refusedIn(5_000, 11_000))).toEqual([]);
});

test("nothing is known about a time without samples or without requests", () => {
  const samples = samplesWith(alwaysOk).filter(({ askedMs }) => !isIn(askedMs, 6_000, 10_000));
  expect(readinessProblems("v1", samples, requestsWith(refusedIn(5_000, 11_000)))).toEqual([]);
  const seldom = (sentMs: number): Reply | null =>
    isIn(sentMs, 6_000, 10_000) ? null : refusedIn(5_000, 11_000)(sentMs);
  expect(problemsOf(alwaysOk, seldom)).toEqual([]);
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
  expect(
    problemsOf(
      () => "none",
      () => ACKNOWLEDGED,
    ),
  ).toEqual([`/readyz of ${URL} never answered`]);
});

test.each([
  [201, undefined, "acknowledged"],
  [200, undefined, "acknowledged"],
  [503, "backend-away", "refused"],
  [503, "outcome-unknown", "refused"],
  [503, "lag", "refused"],
  [500, "internal", "refused"],
  [null, undefined, "refused"],
  [503, "queue-full", null],
  [503, "timeout", null],
  [503, "overloaded", null],
  [503, "closing", null],
  [422, "invalid", null],
  [422, "key-conflict", null],
  [429, undefined, null],
] as const)("a reply %s %s is %s", (status, type, result) => {
  expect(resultOf(status, type)).toBe(result);
});

const answer = (health: string, ready: boolean, stopping = false) => ({
  ready,
  stopping,
  modes: { v1: { health } },
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

test("a long run with many requests takes little time", () => {
  const samples = samplesWith(alwaysOk);
  const requests = Array.from({ length: 200_000 }, (_, index): OrderRequest => {
    const sentMs = index / 10;
    return {
      url: URL,
      sentMs,
      decidedMs: sentMs + 5,
      result: isIn(sentMs, 5_000, 11_000) ? "refused" : "acknowledged",
    };
  });
  const startedMs = performance.now();
  expect(readinessProblems("v1", samples, requests)).toHaveLength(1);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
