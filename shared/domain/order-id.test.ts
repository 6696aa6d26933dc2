import fc from "fast-check";
import { v4, v7 } from "uuid";
import { expect, test } from "vitest";
import { idTimeMs, KEY_MAX_AGE_MS, KEY_MAX_AHEAD_MS, keyProblem } from "./order-id.ts";

const now = Date.UTC(2026, 0, 15, 10, 0, 0, 123);
const DAY = 86_400_000;

test("an id's time is the time it was made at", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (msecs) => {
      expect(idTimeMs(v7({ msecs }))).toBe(msecs);
      expect(idTimeMs(v7({ msecs }).toUpperCase())).toBe(msecs);
    }),
  );
});

test("the bounds of a key's time are exact", () => {
  expect([KEY_MAX_AGE_MS, KEY_MAX_AHEAD_MS]).toEqual([31 * DAY, 300_000]);
  const at = (msecs: number) => keyProblem(v7({ msecs }), now);
  expect(at(now)).toBeNull();
  expect(at(now - KEY_MAX_AGE_MS)).toBeNull();
  expect(at(now - KEY_MAX_AGE_MS - 1)).toContain("31 days");
  expect(at(now + KEY_MAX_AHEAD_MS)).toBeNull();
  expect(at(now + KEY_MAX_AHEAD_MS + 1)).toContain("5 minutes ahead");
  expect(at(0)).toContain("31 days");
  expect(at(2 ** 48 - 1)).toContain("5 minutes ahead");
});

test("a key in either case is a key", () => {
  expect(keyProblem(v7({ msecs: now }).toUpperCase(), now)).toBeNull();
});

test("only UUIDv7 is a key", () => {
  const good = v7({ msecs: now });
  const bad = [
    "",
    "1",
    v4(),
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    good.replaceAll("-", ""),
    `{${good}}`,
    `${good} `,
    `${good}\n`,
    `${good}0`,
    good.slice(1),
    `g${good.slice(1)}`,
    // the variant's two bits must be 10
    `${good.slice(0, 19)}7${good.slice(20)}`,
    `${good.slice(0, 19)}c${good.slice(20)}`,
    `${good}, ${good}`,
  ];
  for (const key of bad) expect([key, keyProblem(key, now)]).toEqual([key, "must be a UUIDv7 (RFC 9562)"]);
});
