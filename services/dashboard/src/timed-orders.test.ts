import { expect, test } from "vitest";
import {
  acknowledged,
  counted,
  doubted,
  isOver,
  orderText,
  reachedMs,
  rejected,
  scaleFor,
  sent,
  shown,
  TIMEOUT_MS,
  type TimedOrder,
  timedOut,
} from "./timed-orders.ts";

const span = (ms: number): string => `${ms} ms`;
const textOf = (order: TimedOrder, isReceiving = true): string => orderText(order, isReceiving, span);
const waiting = acknowledged(sent("a", 1_000), "queued", 1_012);

test("an order is sent, acknowledged, and shown", () => {
  expect([isOver(sent("a", 1_000)), textOf(sent("a", 1_000))]).toEqual([false, "Sent."]);
  expect([isOver(waiting), textOf(waiting)]).toEqual([false, "Acknowledged (queued) after 12 ms."]);
  const arrived = shown(waiting, 1_250);
  expect(isOver(arrived)).toBe(true);
  expect(textOf(arrived)).toBe("Acknowledged (queued) after 12 ms; counted and shown here after 250 ms.");
  expect(shown(arrived, 9_000)).toBe(arrived);
});

test("an order can be shown before its reply arrives", () => {
  const early = shown(sent("a", 1_000), 1_005);
  expect(isOver(early)).toBe(false);
  const both = acknowledged(early, "stored", 1_020);
  expect(isOver(both)).toBe(true);
  expect([both.acknowledged?.ms, both.shownMs, reachedMs(both, 5_000)]).toEqual([20, 5, 20]);
});

test("a rejection ends an order; a missing reply does not", () => {
  const no = rejected(sent("a", 1_000), "Too many pending; not accepted.");
  expect([isOver(no), textOf(no), reachedMs(no, 9_000)]).toEqual([
    true,
    "Too many pending; not accepted.",
    0,
  ]);
  const unknown = doubted(sent("a", 1_000), "The server did not answer within 8 s.");
  expect(isOver(unknown)).toBe(false);
  expect(textOf(unknown)).toBe("The server did not answer within 8 s. It may have been accepted.");
  const after = shown(unknown, 10_000);
  expect(isOver(after)).toBe(true);
  expect(textOf(after)).toContain("counted and shown here after 9000 ms");
});

test("a counted order that was not shown has the reason, and may still be shown", () => {
  const late = counted(waiting, 4_000);
  expect(isOver(late)).toBe(true);
  expect(textOf(late)).toContain("counted within 3000 ms, but not among the latest");
  expect(textOf(late, false)).toMatch(/counted within 3000 ms\. This page receives no new figures\.$/);
  expect(textOf(shown(late, 6_000))).toContain("shown here after 5000 ms");
});

test("an order times out, and only an acknowledged one is called safe", () => {
  expect(textOf(timedOut(waiting))).toBe(
    "Acknowledged (queued) after 12 ms; not known to be counted within 30000 ms, but not lost.",
  );
  const unknown = timedOut(doubted(sent("a", 0), "No answer."));
  expect([isOver(unknown), textOf(unknown).includes("not lost")]).toEqual([true, false]);
  // its bar keeps its length
  expect(reachedMs(timedOut(waiting), 99_000)).toBe(TIMEOUT_MS);
});

test("all bars share the first round scale that fits them", () => {
  expect([3, 100, 101, 2_400, 90_000].map(scaleFor)).toEqual([100, 100, 250, 2_500, 90_000]);
});
