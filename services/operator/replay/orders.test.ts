import fc from "fast-check";
import { expect, test } from "vitest";
import { keyProblem } from "#shared/domain/order.ts";
import { DAY_MS, HOUR_MS } from "#shared/domain/time.ts";
import { dueAfterMs, hoursAround, keyOfLine, shiftToNow } from "./orders.ts";

const moment = fc.integer({ min: -1e12, max: 4e12 });
const row = (ms: number) => ({ line: 2, ms, cents: 1, store: "up", drink: "tea" });

test("shifts by whole days, so that the last sale is within the last day", () => {
  fc.assert(
    fc.property(moment, moment, (lastMs, nowMs) => {
      const shiftMs = shiftToNow(lastMs, nowMs);
      expect(Math.abs(shiftMs % DAY_MS)).toBe(0);
      expect(lastMs + shiftMs).toBeLessThanOrEqual(nowMs);
      expect(lastMs + shiftMs + DAY_MS).toBeGreaterThan(nowMs);
    }),
  );
});

test("compares whole hours around every sale", () => {
  fc.assert(
    fc.property(moment, fc.nat(1e9), (firstMs, spanMs) => {
      const { fromMs, toMs } = hoursAround([row(firstMs), row(firstMs + spanMs)], DAY_MS);
      expect(Math.abs(fromMs % HOUR_MS) + Math.abs(toMs % HOUR_MS)).toBe(0);
      expect(fromMs).toBeLessThanOrEqual(firstMs + DAY_MS);
      expect(toMs).toBeGreaterThan(firstMs + spanMs + DAY_MS);
      expect(toMs - fromMs).toBeLessThan(spanMs + 2 * HOUR_MS);
    }),
  );
});

const keyTimeMs = Date.UTC(2026, 10, 21);

test("makes a valid key, the same for the same row and different for any other", () => {
  const source = { sha256: "ab".repeat(32), mode: "v2", keyTimeMs };
  const keys = new Set(Array.from({ length: 10_000 }, (_, line) => keyOfLine(source, line)));
  expect(keys.size).toBe(10_000);
  for (const key of keys) expect(keyProblem(key, keyTimeMs)).toBeNull();
  const key = keyOfLine(source, 7);
  expect(keyOfLine({ ...source }, 7)).toBe(key);
  for (const other of [{ mode: "v1" }, { sha256: "cd".repeat(32) }, { keyTimeMs: keyTimeMs + 1 }])
    expect(keyOfLine({ ...source, ...other }, 7)).not.toBe(key);
});

test("keeps the file's pace times the speed, from where it was interrupted", () => {
  const rows = [0, 60_000, 120_000, 180_000].map(row);
  const due = (speed: number, sentTo: number) =>
    rows.map((_, index) => dueAfterMs(rows, index, speed, sentTo));
  expect(due(60, 0)).toEqual([0, 1_000, 2_000, 3_000]);
  expect(due(60, 2)).toEqual([0, 0, 0, 1_000]);
  expect(due(60, 4)).toEqual([0, 0, 0, 0]);
  expect(due(Number.POSITIVE_INFINITY, 0)).toEqual([0, 0, 0, 0]);
});
