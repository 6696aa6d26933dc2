import fc from "fast-check";
import { expect, test } from "vitest";
import { cumulativeOf, mixed, randomFrom, seedOf } from "./random.ts";

test("returns one sequence for each seed", () => {
  const take = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 5 }, () => random.next() * 2 ** 32);
  };
  fc.assert(fc.property(fc.maxSafeNat(), (seed) => void expect(take(seed)).toEqual(take(seed))));
  expect(take(1)).not.toEqual(take(2));
  expect(take(2 ** 32)).not.toEqual(take(0));
});

test("next is uniform in [0, 1)", () => {
  const random = randomFrom(7);
  const cells = new Array<number>(100).fill(0);
  for (let index = 0; index < 100_000; index++) {
    const cell = Math.floor(random.next() * 100);
    cells[cell] = (cells[cell] ?? 0) + 1;
  }
  const chiSquare = cells.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  // 99 degrees of freedom: one fair generator in a thousand exceeds 148.
  expect(chiSquare).toBeLessThan(148);
  expect(chiSquare).toBeGreaterThan(60);
});

test("weighted chooses in proportion to the weights, and never a weight of 0", () => {
  const random = randomFrom(3);
  const cumulative = cumulativeOf([5, 0, 3, 2]);
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 20_000; index++) {
    const choice = random.weighted(cumulative);
    counts[choice] = (counts[choice] ?? 0) + 1;
  }
  expect(counts.map((count) => Math.round(count / 2_000))).toEqual([5, 0, 3, 2]);
  expect(counts[1]).toBe(0);
});

test("below and pick stay within their range", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 1e6 }), (seed, most) => {
      const value = randomFrom(seed).below(most);
      expect(Number.isInteger(value) && value >= 0 && value < most).toBe(true);
    }),
  );
  expect(() => randomFrom(1).pick([])).toThrow(RangeError);
});

test("shuffled keeps every item, at each position equally often", () => {
  const random = randomFrom(5);
  const items = [0, 1, 2, 3];
  const places = items.map(() => [0, 0, 0, 0]);
  for (let index = 0; index < 12_000; index++)
    random.shuffled(items).forEach((item, place) => {
      const counts = places[item] as number[];
      counts[place] = (counts[place] ?? 0) + 1;
    });
  // 3 000 expected each, standard deviation 47
  for (const count of places.flat()) expect(Math.abs(count - 3_000)).toBeLessThan(250);
  expect(places.map((counts) => counts.reduce((a, b) => a + b))).toEqual([12_000, 12_000, 12_000, 12_000]);
  expect(items).toEqual([0, 1, 2, 3]);
});

test("gap has the given mean", () => {
  const random = randomFrom(11);
  let sum = 0;
  for (let index = 0; index < 20_000; index++) sum += random.gap(250);
  expect(sum / 20_000).toBeGreaterThan(240);
  expect(sum / 20_000).toBeLessThan(260);
});

test("seedOf is FNV-1a", () => {
  // Test vectors of draft-eastlake-fnv, appendix C.
  expect(seedOf("")).toBe(0x811c9dc5);
  expect(seedOf("a")).toBe(0xe40c292c);
  expect(seedOf("foobar")).toBe(0xbf9cf968);
});

test("mixed is deterministic, uniform, and changes half of the bits when one changes", () => {
  expect([mixed(0, 0), mixed(1, 0), mixed(0, 1)]).toMatchInlineSnapshot(`
    [
      301794027,
      2789948889,
      3140136926,
    ]
  `);
  const counts = Array.from({ length: 16 }, () => 0);
  for (let value = 0; value < 16_000; value++)
    counts[mixed(7, value) >>> 28] = (counts[mixed(7, value) >>> 28] ?? 0) + 1;
  // 1 000 expected each, standard deviation 31
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(160);
  const bits = (value: number): number => value.toString(2).replaceAll("0", "").length;
  let changed = 0;
  for (let value = 0; value < 1_000; value++) changed += bits((mixed(7, value) ^ mixed(7, value ^ 1)) >>> 0);
  expect(Math.abs(changed / 1_000 - 16)).toBeLessThan(0.6);
});
