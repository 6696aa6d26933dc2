import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const NAMES = [
  "kill-worker",
  "kill-api",
  "kill-postgres",
  "pause-worker",
  "pause-redis",
  "flush-board",
  "clock-ahead",
];

test.each([
  ["kill-wroker", "kill-worker"],
  ["killworker", "kill-worker"],
  ["flush", "flush-board"],
  ["pause_redis", "pause-redis"],
  ["clock-ahaed", "clock-ahead"],
])("%s is nearest to %s, and few others are named", (text, name) => {
  expect(nearest(text, NAMES)[0]).toBe(name);
  expect(nearest(text, NAMES).length).toBeLessThanOrEqual(5);
});
