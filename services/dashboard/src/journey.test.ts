import { expect, test } from "vitest";
import {
  acknowledged,
  counted,
  doubted,
  GIVE_UP_MS,
  givenUp,
  isOver,
  type Journey,
  journeyText,
  reachedMs,
  refused,
  scaleFor,
  sent,
  shown,
} from "./journey.ts";

const span = (ms: number): string => `${ms} ms`;
const told = (journey: Journey, isHeard = true): string => journeyText(journey, isHeard, span);
const waiting = acknowledged(sent("a", 1_000), "queued", 1_012);

test("an order is sent, acknowledged, and shown", () => {
  expect([isOver(sent("a", 1_000)), told(sent("a", 1_000))]).toEqual([false, "Sent."]);
  expect([isOver(waiting), told(waiting)]).toEqual([false, "Acknowledged (queued) after 12 ms."]);
  const arrived = shown(waiting, 1_250);
  expect(isOver(arrived)).toBe(true);
  expect(told(arrived)).toBe("Acknowledged (queued) after 12 ms; counted and shown here after 250 ms.");
  expect(shown(arrived, 9_000)).toBe(arrived);
});

test("an order that is shown before its reply has come is told as it was", () => {
  const early = shown(sent("a", 1_000), 1_005);
  expect(isOver(early)).toBe(false);
  const both = acknowledged(early, "stored", 1_020);
  expect(isOver(both)).toBe(true);
  expect([both.acknowledged?.ms, both.shownMs, reachedMs(both, 5_000)]).toEqual([20, 5, 20]);
});

test("a refusal is the end of it; a reply that did not come is not", () => {
  const no = refused(sent("a", 1_000), "Too many wait; not taken.");
  expect([isOver(no), told(no), reachedMs(no, 9_000)]).toEqual([true, "Too many wait; not taken.", 0]);
  const unknown = doubted(sent("a", 1_000), "The server did not answer within 8 s.");
  expect(isOver(unknown)).toBe(false);
  expect(told(unknown)).toBe("The server did not answer within 8 s. It may have been taken.");
  const after = shown(unknown, 10_000);
  expect(isOver(after)).toBe(true);
  expect(told(after)).toContain("counted and shown here after 9000 ms");
});

test("counted without being seen is told with what is known of why, and it may still be seen", () => {
  const late = counted(waiting, 4_000);
  expect(isOver(late)).toBe(true);
  expect(told(late)).toContain("counted within 3000 ms and not among the latest");
  expect(told(late, false)).toMatch(/counted within 3000 ms\. This page is not being sent new figures\.$/);
  expect(told(shown(late, 6_000))).toContain("shown here after 5000 ms");
});

test("what is not counted for long is given up, and said to be kept only where a reply said so", () => {
  expect(told(givenUp(waiting))).toBe(
    "Acknowledged (queued) after 12 ms; not seen to be counted within 30000 ms: it is kept, and waits.",
  );
  const unknown = givenUp(doubted(sent("a", 0), "No answer."));
  expect([isOver(unknown), told(unknown).includes("kept")]).toEqual([true, false]);
  // its bar stays where it came to
  expect(reachedMs(givenUp(waiting), 99_000)).toBe(GIVE_UP_MS);
});

test("all lanes share the first round scale that holds them", () => {
  expect([3, 100, 101, 2_400, 90_000].map(scaleFor)).toEqual([100, 100, 250, 2_500, 90_000]);
});
