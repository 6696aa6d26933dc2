import { expect, test } from "vitest";
import type { Entry } from "../system/account.ts";
import type { ReadinessState, Sample } from "./readiness.ts";
import { warmUpOf, warmUpProblem } from "./warm-up.ts";

const URL = "http://127.0.0.1:1";
const STRIKE_MS = 4_000;

/** An order every 10 ms until after the strike. */
const entriesWith = (ackAfterMs: (index: number) => number | null): Entry[] =>
  Array.from({ length: 500 }, (_, index) => {
    const afterMs = ackAfterMs(index);
    const dueMs = index * 10;
    return {
      id: String(index),
      body: { drink: "latte", store: "uptown", cents: 450, timestamp: null },
      others: [],
      dueMs,
      acknowledgedMs: afterMs === null ? null : dueMs + afterMs,
      outcome: afterMs === null ? "refused" : "acknowledged",
    };
  });
const sample = (answeredMs: number, state: ReadinessState, url = URL): Sample => ({
  url,
  askedMs: answeredMs - 5,
  answeredMs,
  state,
});
const problemOf = (entries: readonly Entry[], samples = [sample(3_900, "ok")], urls = [URL]) =>
  warmUpProblem(warmUpOf(entries, samples, urls, STRIKE_MS));

test("finds nothing when orders are acknowledged", () => {
  expect(problemOf(entriesWith(() => 5))).toBeNull();
});

test("finds nothing when more than half of the orders are acknowledged", () => {
  expect(problemOf(entriesWith((index) => (index % 5 < 3 ? 5 : null)))).toBeNull();
});

test("finds that most orders are refused", () => {
  const entries = entriesWith((index) => (index % 5 < 2 ? 5 : null));
  expect(problemOf(entries)).toMatch(/^only 14\d of 351 orders were acknowledged before the fault$/);
});

test("an order that is acknowledged after the strike does not count", () => {
  expect(problemOf(entriesWith((index) => 4_001 - index * 10))).toMatch(/^only 0 of 351 /);
});

test("finds that hardly any order was sent", () => {
  expect(problemOf(entriesWith(() => 5).slice(0, 10))).toBe("only 10 orders were sent before the fault");
});

test("finds that an API was not ready at the strike", () => {
  const entries = entriesWith(() => 5);
  const was = "/readyz was not ok before the fault";
  expect(problemOf(entries, [sample(3_000, "ok"), sample(3_900, "unavailable")])).toBe(was);
  expect(problemOf(entries, [sample(3_900, "unavailable"), sample(4_100, "ok")])).toBe(was);
  expect(problemOf(entries, [sample(3_900, "ok")], [URL, "http://127.0.0.1:2"])).toBe(was);
  expect(problemOf(entries, [])).toBe(was);
});

test("finds that the run ended before its fault", () => {
  expect(warmUpProblem(null)).toBe("the run ended before its fault");
});
