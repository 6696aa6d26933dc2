import { expect, test } from "vitest";
import type { Entry } from "../system/account.ts";
import { recoveryMs, type Seen } from "./recovery.ts";

/** An order every 10 ms from 0 to 20 s; `ackAfter` says when the one that is due then is acknowledged. */
const ordersWith = (ackAfter: (dueMs: number) => number | null): Entry[] =>
  Array.from({ length: 2_000 }, (_, index) => {
    const dueMs = index * 10;
    const after = ackAfter(dueMs);
    const outcome = after === null ? "unknown" : "acknowledged";
    const body = { drink: "latte", store: "uptown", cents: 450, timestamp: null };
    return {
      id: String(index),
      body,
      others: [],
      dueMs,
      acknowledgedMs: after === null ? null : dueMs + after,
      outcome,
    };
  });
/** A dashboard that shows every acknowledged order so long after it. */
const seenAfter = (entries: readonly Entry[], lateBy: (atMs: number) => number): Seen =>
  entries
    .map(({ acknowledgedMs }) => acknowledgedMs)
    .filter((at) => at !== null)
    .sort((a, b) => a - b)
    .map((at, index): [number, number] => [at + lateBy(at), index + 1]);

test("who was always served as promised has recovered at once", () => {
  const entries = ordersWith(() => 20);
  expect(
    recoveryMs(
      entries,
      seenAfter(entries, () => 300),
      5_000,
      20_000,
    ),
  ).toBe(0);
});

test("until orders are acknowledged in time it has not recovered", () => {
  const entries = ordersWith((due) => (due < 8_000 ? 101 : 100));
  const recovered =
    recoveryMs(
      entries,
      seenAfter(entries, () => 300),
      5_000,
      20_000,
    ) ?? -1;
  // one of a hundred may be late
  expect(recovered).toBeGreaterThan(2_900);
  expect(recovered).toBeLessThanOrEqual(3_000);
});

test("until dashboards show them in time it has not recovered", () => {
  const entries = ordersWith(() => 20);
  const recovered = recoveryMs(
    entries,
    seenAfter(entries, (at) => (at < 9_000 ? 1_001 : 900)),
    5_000,
    20_000,
  );
  expect(recovered).toBeGreaterThan(3_800);
  expect(recovered).toBeLessThanOrEqual(4_000);
});

test("orders without a reply are late, refused ones do not count, and silence is no recovery", () => {
  const never = ordersWith((due) => (due > 5_000 ? null : 20));
  expect(
    recoveryMs(
      never,
      seenAfter(never, () => 300),
      5_100,
      20_000,
    ),
  ).toBeNull();
  const refused = never.map((entry) =>
    entry.outcome === "unknown" ? { ...entry, outcome: "refused" as const } : entry,
  );
  expect(
    recoveryMs(
      refused,
      seenAfter(refused, () => 300),
      5_100,
      20_000,
    ),
  ).toBeNull();
  expect(recoveryMs([], [], 0, 20_000)).toBeNull();
});

test("nothing is said of a window before all of it could be seen", () => {
  const entries = ordersWith(() => 20);
  const seen = seenAfter(entries, () => 300);
  expect(recoveryMs(entries, seen, 5_000, 7_900)).toBeNull();
  expect(recoveryMs(entries, seen, 5_000, 8_000)).toBe(0);
});
