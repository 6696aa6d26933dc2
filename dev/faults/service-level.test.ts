import { expect, test } from "vitest";
import type { Entry } from "../system/account.ts";
import type { ReadinessState, Sample } from "./readiness.ts";
import { recoveryMs, type Seen, warmUpOf, warmUpProblem } from "./service-level.ts";

/** An order every 10 ms; `ackAfter` returns when the one that is due then is acknowledged. */
const ordersWith = (ackAfter: (dueMs: number) => number | null, seconds = 20): Entry[] =>
  Array.from({ length: seconds * 100 }, (_, index) => {
    const dueMs = index * 10;
    const after = ackAfter(dueMs);
    return {
      id: String(index),
      body: { drink: "latte", store: "uptown", cents: 450, timestamp: null },
      others: [],
      dueMs,
      acknowledgedMs: after === null ? null : dueMs + after,
      outcome: after === null ? "unknown" : "acknowledged",
    };
  });
/** A dashboard that shows every acknowledged order late by so much. */
const seenAfter = (entries: readonly Entry[], lateBy: (atMs: number) => number): Seen =>
  entries
    .flatMap(({ acknowledgedMs }) => acknowledgedMs ?? [])
    .sort((a, b) => a - b)
    .map((at, index): [number, number] => [at + lateBy(at), index + 1]);

const recoveryOf = (entries: readonly Entry[], fromMs = 5_000, lateBy = (_: number) => 300): number | null =>
  recoveryMs(entries, seenAfter(entries, lateBy), fromMs, 20_000);

test("recovers at once when orders are always served as promised", () => {
  expect(recoveryOf(ordersWith(() => 20))).toBe(0);
});

test("recovers when orders are acknowledged in time", () => {
  const recovered = recoveryOf(ordersWith((due) => (due < 8_000 ? 101 : 100)));
  // one of a hundred may be late
  expect(recovered).toBeGreaterThan(2_900);
  expect(recovered).toBeLessThanOrEqual(3_000);
});

test("recovers when dashboards show orders in time", () => {
  const orders = ordersWith(() => 20);
  const recovered = recoveryOf(orders, 5_000, (at) => (at < 9_000 ? 1_001 : 900));
  expect(recovered).toBeGreaterThan(3_800);
  expect(recovered).toBeLessThanOrEqual(4_000);
});

test("counts orders without a reply as late, ignores refused ones, and needs orders to recover", () => {
  const never = ordersWith((due) => (due > 5_000 ? null : 20));
  expect(recoveryOf(never, 5_100)).toBeNull();
  const refused = never.map((entry) =>
    entry.outcome === "unknown" ? { ...entry, outcome: "refused" as const } : entry,
  );
  expect(recoveryOf(refused, 5_100)).toBeNull();
  expect(recoveryOf([], 0)).toBeNull();
});

test("decides on a window only when all of it could be seen", () => {
  const entries = ordersWith(() => 20);
  const seen = seenAfter(entries, () => 300);
  expect(recoveryMs(entries, seen, 5_000, 7_900)).toBeNull();
  expect(recoveryMs(entries, seen, 5_000, 8_000)).toBe(0);
});

const URL = "http://127.0.0.1:1";
const sample = (answeredMs: number, state: ReadinessState, url = URL): Sample => ({
  ...{ url, askedMs: answeredMs - 5, answeredMs, state },
});
/** Of a strike at 4 s. */
const problemOf = (entries: readonly Entry[], samples = [sample(3_900, "ok")], urls = [URL]) =>
  warmUpProblem(warmUpOf(entries, samples, urls, 4_000));

test("finds no problem of the warm-up when more than half of the orders are acknowledged", () => {
  expect(problemOf(ordersWith(() => 5))).toBeNull();
  expect(problemOf(ordersWith((due) => (due % 50 < 30 ? 5 : null)))).toBeNull();
});

test("finds that most orders were not acknowledged before the strike", () => {
  expect(problemOf(ordersWith((due) => (due % 50 < 20 ? 5 : null)))).toMatch(
    /^only 14\d of 351 orders were acknowledged before the fault$/,
  );
  expect(problemOf(ordersWith((due) => 4_001 - due))).toMatch(/^only 0 of 351 /);
});

test("finds that hardly any order was sent, or that the run ended before its fault", () => {
  expect(problemOf(ordersWith(() => 5).slice(0, 10))).toBe("only 10 orders were sent before the fault");
  expect(warmUpProblem(null)).toBe("the run ended before its fault");
});

test("finds that an API was not ready at the strike", () => {
  const entries = ordersWith(() => 5);
  const wasNot = "/readyz was not ok before the fault";
  expect(problemOf(entries, [sample(3_000, "ok"), sample(3_900, "unavailable")])).toBe(wasNot);
  expect(problemOf(entries, [sample(3_900, "unavailable"), sample(4_100, "ok")])).toBe(wasNot);
  expect(problemOf(entries, [sample(3_900, "ok")], [URL, "http://127.0.0.1:2"])).toBe(wasNot);
  expect(problemOf(entries, [])).toBe(wasNot);
});
