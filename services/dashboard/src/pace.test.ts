import fc from "fast-check";
import { expect, test } from "vitest";
import type { ModeFigures } from "../../../shared/domain/dashboard.ts";
import {
  acceptedPerSecond,
  countedPerSecond,
  freshnessQuantile,
  NO_PACES,
  PACE_SECONDS,
  type Paces,
  withDashboard,
} from "./pace.ts";

const START_MS = Date.parse("2026-01-15T10:00:00Z");
const EMPTY: ModeFigures = {
  orders: 0,
  rate: 0,
  lag: 0,
  oldest_pending_ms: 0,
  freshness_ms: null,
  health: "ok",
};
type Board = { readonly epoch?: number; readonly stale?: boolean };
const seen = (paces: Paces, atMs: number, figures: Partial<ModeFigures>, board: Board = {}): Paces => {
  const { epoch = 1, stale = false } = board;
  return withDashboard(paces, { epoch, stale, modes: { v1: { ...EMPTY, ...figures } } }, START_MS + atMs);
};
const v1 = ({ modes }: Paces) => modes["v1"] ?? expect.fail("no v1");

test("accepted is what was counted and what waits, by the second", () => {
  let paces = NO_PACES;
  // five a second are accepted and nothing is counted, then all of it at once
  for (let second = 0; second <= 20; second++)
    paces = seen(paces, second * 1_000, {
      orders: second < 15 ? 0 : second * 5,
      lag: second < 15 ? second * 5 : 0,
    });
  expect(acceptedPerSecond(v1(paces))).toBe(5);
  expect(countedPerSecond(v1(paces))).toBe(10);
});

test("while as many wait as before, as many are counted as accepted", () => {
  const increments = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(increments, fc.nat(10_000), (perSecond, lag) => {
      let [paces, orders] = [NO_PACES, 0];
      for (const [second, increment] of perSecond.entries()) {
        orders += increment;
        paces = seen(paces, second * 1_000, { orders, lag });
      }
      expect(acceptedPerSecond(v1(paces))).toBe(countedPerSecond(v1(paces)));
    }),
  );
});

test("without a lag, or at the beginning, nobody can say what was accepted", () => {
  const first = seen(NO_PACES, 0, { orders: 10, lag: 1 });
  expect(acceptedPerSecond(v1(first))).toBeNull();
  expect(acceptedPerSecond(v1(seen(first, 5_000, { orders: 20, lag: null })))).toBeNull();
});

test("a board that nobody renews adds no pace, whatever it said last", () => {
  let paces = NO_PACES;
  for (let second = 0; second < 10; second++)
    paces = seen(paces, second * 1_000, { orders: second * 3, rate: 3 });
  expect(countedPerSecond(v1(paces))).toBe(3);
  for (let second = 10; second < 20; second++)
    paces = seen(paces, second * 1_000, { orders: 27, rate: 3, lag: second }, { stale: true });
  expect(countedPerSecond(v1(paces))).toBeNull();
  const rates = v1(paces).ticks.map(({ rate }) => rate);
  expect(rates).toEqual(Array.from({ length: 20 }, (_, second) => (second < 10 ? 3 : null)));
});

test("seconds in which nothing came are known to be zero", () => {
  let paces = NO_PACES;
  for (let second = 0; second < 5; second++) paces = seen(paces, second * 1_000, { orders: 7 });
  expect([acceptedPerSecond(v1(paces)), countedPerSecond(v1(paces))]).toEqual([0, 0]);
});

test("a clock that is a moment behind loses nothing; one that went back begins anew", () => {
  let paces = NO_PACES;
  for (let second = 0; second < 10; second++) paces = seen(paces, second * 1_000, { orders: second });
  const slightly = seen(paces, 8_200, { orders: 10 });
  expect([v1(slightly).ticks.length, slightly.atMs]).toEqual([10, START_MS + 9_000]);
  expect(v1(seen(paces, 1_000, { orders: 10 })).ticks).toHaveLength(1);
});

test("freshness counts each batch of the last minute once", () => {
  let paces = seen(NO_PACES, 0, { orders: 1, freshness_ms: 900 });
  // what was there when the page came says nothing of the last minute
  expect(freshnessQuantile(v1(paces), 0.5, paces.atMs)).toBeNull();
  for (let batch = 1; batch <= 100; batch++) {
    paces = seen(paces, batch * 100, { orders: 1 + batch, freshness_ms: batch });
    // the same board once more, for another mode's sake
    paces = seen(paces, batch * 100 + 50, { orders: 1 + batch, freshness_ms: batch });
    if (batch === 19) expect(freshnessQuantile(v1(paces), 0.99, paces.atMs)).toBeNull();
  }
  expect([0.5, 0.99, 1].map((quantile) => freshnessQuantile(v1(paces), quantile, paces.atMs))).toEqual([
    50, 99, 100,
  ]);
  expect(freshnessQuantile(v1(paces), 0.5, paces.atMs + 61_000)).toBeNull();
});

test("what is kept is bounded, at ten boards a second for ten minutes", () => {
  let paces = NO_PACES;
  for (let board = 0; board < 6_000; board++)
    paces = seen(paces, board * 100, { orders: board, freshness_ms: 10 });
  expect(v1(paces).ticks.length).toBeLessThanOrEqual(PACE_SECONDS + 1);
  expect(v1(paces).freshness.length).toBeLessThanOrEqual(601);
});

test("a higher epoch begins anew", () => {
  let paces = NO_PACES;
  for (let second = 0; second < 20; second++) paces = seen(paces, second * 1_000, { orders: 1_000 });
  paces = seen(paces, 20_000, { orders: 5 }, { epoch: 2 });
  expect(v1(paces).ticks).toHaveLength(1);
  expect(acceptedPerSecond(v1(paces))).toBeNull();
});
