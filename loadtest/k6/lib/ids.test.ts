import fc from "fast-check";
import { expect, test } from "vitest";
import { idTimeMs, keyProblem } from "#shared/domain/order.ts";
import { orderId, partsOf } from "./ids.ts";

const parts = fc.record({
  run: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  scenario: fc.integer({ min: 0, max: 15 }),
  iteration: fc.integer({ min: 0, max: 2 ** 26 - 1 }),
  item: fc.integer({ min: 0, max: 1023 }),
  runStartMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
});

test("makes an id that has its parts and is a key that the API accepts", () => {
  fc.assert(
    fc.property(parts, (each) => {
      const id = orderId(each.run, each.scenario, each.iteration, each.item, each.runStartMs);
      expect(partsOf(id)).toEqual(each);
      expect(idTimeMs(id)).toBe(each.runStartMs);
      expect(keyProblem(id, each.runStartMs)).toBeNull();
    }),
  );
});

test("keeps every bit of the largest parts", () => {
  const id = orderId(2 ** 32 - 1, 15, 2 ** 26 - 1, 1023, 2 ** 48 - 1);
  expect(id).toBe("ffffffff-ffff-7fff-8fff-fffffffffffff".slice(0, 36));
});

test("makes ids that grow with the iteration", () => {
  const ids = [0, 1, 15, 16, 4096, 2 ** 26 - 1].map((iteration) => orderId(7, 1, iteration, 3, 1e12));
  expect(ids.toSorted()).toEqual(ids);
});

test("finds no parts in other ids", () => {
  for (const id of ["01a1fbfe-483e-715c-95c7-0bf011f941b1", "01a1fbfe-483e-415c-8000-000000000000", "", "x"])
    expect(partsOf(id)).toBeNull();
});

test("throws when a part does not fit", () => {
  expect(() => orderId(2 ** 32, 0, 0, 0, 0)).toThrow(/run from 0 to 4294967295, not 4294967296/);
  expect(() => orderId(0, 16, 0, 0, 0)).toThrow(/scenario from 0 to 15/);
  expect(() => orderId(0, 0, 2 ** 26, 0, 0)).toThrow(/iteration/);
  expect(() => orderId(0, 0, 0, 1024, 0)).toThrow(/item/);
  expect(() => orderId(0, 0, 0, 0.5, 0)).not.toThrow(TypeError);
  expect(() => orderId(1.5, 0, 0, 0, 0)).toThrow(/run/);
});
