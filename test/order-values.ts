/** Values of the members of an order, for generated requests. */
import fc from "fast-check";
import { v7 as uuid } from "uuid";
import { DAY_MS, iso, MINUTE_MS } from "#shared/domain/time.ts";

/** In every form that the pattern has, from a year ago to two minutes ahead. */
export const timestamps = fc
  .record({
    agoMs: fc.integer({ min: -2 * MINUTE_MS, max: 365 * DAY_MS }),
    zone: fc.oneof(fc.constantFrom("", "Z", "z"), fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 })),
    separator: fc.constantFrom("T", "t", " "),
    fraction: fc.stringMatching(/^[0-9]{0,9}$/),
  })
  .map(({ agoMs, zone, separator, fraction }) => {
    const minutes = typeof zone === "number" ? zone : 0;
    const local = iso(Math.floor((Date.now() - agoMs) / 1_000) * 1_000 + minutes * MINUTE_MS).slice(0, 19);
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
      String(n).padStart(2, "0"),
    );
    const offset = typeof zone === "number" ? `${zone < 0 ? "-" : "+"}${hours}:${rest}` : zone;
    return `${local.replace("T", separator)}${fraction && `.${fraction}`}${offset}`;
  });
export const keys = fc
  .record({
    agoMs: fc.integer({ min: -2 * MINUTE_MS, max: 30 * DAY_MS }),
    isUpper: fc.boolean(),
    salt: fc.integer(),
  })
  .map(({ agoMs, isUpper }) => {
    const key = uuid({ msecs: Date.now() - agoMs });
    return isUpper ? key.toUpperCase() : key;
  });

/** Near what is valid: other texts, numbers and types, and each kind of a wrong name, key, price and time. */
export const strange = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", " ", "latte ", "LATTE", "x".repeat(100), "x".repeat(101), "a\u0000"),
  fc.double(),
  fc.integer({ min: -100_000, max: 2_000_000 }).map((n) => n / 1_000),
  fc.constantFrom(0, -0, 0.001, 0.005, 0.01, 9_999.99, 9_999.999, 10_000, 10_000.01, 1e-9, 1e21),
  fc.stringMatching(/^-?[0-9]{0,6}\.?[0-9]{0,3}$/),
  fc.constantFrom(
    "0",
    "0.00",
    "00000",
    "0.01",
    "10000",
    "10000.00",
    "10000.01",
    "1e2",
    "+1",
    "1,50",
    ".5",
    "5.",
    " 1",
    "1\n",
  ),
  fc.stringMatching(
    /^20(25|26)-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|\+[0-2][0-9]:[0-6][0-9])?$/,
  ),
  fc.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
);
