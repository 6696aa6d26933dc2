import fc from "fast-check";
import { expect, test } from "vitest";
import type { ModeFigures } from "../../../shared/domain/dashboard.ts";
import {
  acceptedPerSecond,
  countedPerSecond,
  freshnessQuantile,
  NO_TRENDS,
  TREND_SECONDS,
  type Trends,
  withDashboard,
} from "./trends.ts";

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
const seen = (trends: Trends, atMs: number, figures: Partial<ModeFigures>, board: Board = {}): Trends => {
  const { epoch = 1, stale = false } = board;
  return withDashboard(trends, { epoch, stale, modes: { v1: { ...EMPTY, ...figures } } }, START_MS + atMs);
};
const v1 = ({ modes }: Trends) => modes["v1"] ?? expect.fail("no v1");

test("accepted is the growth of counted and pending orders", () => {
  let trends = NO_TRENDS;
  // five orders per second are accepted and none is counted, then all at once
  for (let second = 0; second <= 20; second++)
    trends = seen(trends, second * 1_000, {
      orders: second < 15 ? 0 : second * 5,
      lag: second < 15 ? second * 5 : 0,
    });
  expect(acceptedPerSecond(v1(trends))).toBe(5);
  expect(countedPerSecond(v1(trends))).toBe(10);
});

test("with a constant lag the counted and accepted rates are equal", () => {
  const increments = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(increments, fc.nat(10_000), (perSecond, lag) => {
      let [trends, orders] = [NO_TRENDS, 0];
      for (const [second, increment] of perSecond.entries()) {
        orders += increment;
        trends = seen(trends, second * 1_000, { orders, lag });
      }
      expect(acceptedPerSecond(v1(trends))).toBe(countedPerSecond(v1(trends)));
    }),
  );
});

test("without a lag, or at the start, the accepted rate is unknown", () => {
  const first = seen(NO_TRENDS, 0, { orders: 10, lag: 1 });
  expect(acceptedPerSecond(v1(first))).toBeNull();
  expect(acceptedPerSecond(v1(seen(first, 5_000, { orders: 20, lag: null })))).toBeNull();
});

test("a stale board adds no rates", () => {
  let trends = NO_TRENDS;
  for (let second = 0; second < 10; second++)
    trends = seen(trends, second * 1_000, { orders: second * 3, rate: 3 });
  expect(countedPerSecond(v1(trends))).toBe(3);
  for (let second = 10; second < 20; second++)
    trends = seen(trends, second * 1_000, { orders: 27, rate: 3, lag: second }, { stale: true });
  expect(countedPerSecond(v1(trends))).toBeNull();
  const rates = v1(trends).samples.map(({ rate }) => rate);
  expect(rates).toEqual(Array.from({ length: 20 }, (_, second) => (second < 10 ? 3 : null)));
});

test("seconds without orders have a rate of zero", () => {
  let trends = NO_TRENDS;
  for (let second = 0; second < 5; second++) trends = seen(trends, second * 1_000, { orders: 7 });
  expect([acceptedPerSecond(v1(trends)), countedPerSecond(v1(trends))]).toEqual([0, 0]);
});

test("a clock slightly behind loses nothing; one that went back restarts the trend", () => {
  let trends = NO_TRENDS;
  for (let second = 0; second < 10; second++) trends = seen(trends, second * 1_000, { orders: second });
  const slightly = seen(trends, 8_200, { orders: 10 });
  expect([v1(slightly).samples.length, slightly.atMs]).toEqual([10, START_MS + 9_000]);
  expect(v1(seen(trends, 1_000, { orders: 10 })).samples).toHaveLength(1);
});

test("freshness counts each batch of the last minute once", () => {
  let trends = seen(NO_TRENDS, 0, { orders: 1, freshness_ms: 900 });
  // the first board has no data about the last minute
  expect(freshnessQuantile(v1(trends), 0.5, trends.atMs)).toBeNull();
  for (let batch = 1; batch <= 100; batch++) {
    trends = seen(trends, batch * 100, { orders: 1 + batch, freshness_ms: batch });
    // the same figures again, because another mode changed
    trends = seen(trends, batch * 100 + 50, { orders: 1 + batch, freshness_ms: batch });
    if (batch === 19) expect(freshnessQuantile(v1(trends), 0.99, trends.atMs)).toBeNull();
  }
  expect([0.5, 0.99, 1].map((quantile) => freshnessQuantile(v1(trends), quantile, trends.atMs))).toEqual([
    50, 99, 100,
  ]);
  expect(freshnessQuantile(v1(trends), 0.5, trends.atMs + 61_000)).toBeNull();
});

test("memory is bounded, at ten boards per second for ten minutes", () => {
  let trends = NO_TRENDS;
  for (let board = 0; board < 6_000; board++)
    trends = seen(trends, board * 100, { orders: board, freshness_ms: 10 });
  expect(v1(trends).samples.length).toBeLessThanOrEqual(TREND_SECONDS + 1);
  expect(v1(trends).freshness.length).toBeLessThanOrEqual(601);
});

test("a higher epoch restarts the trend", () => {
  let trends = NO_TRENDS;
  for (let second = 0; second < 20; second++) trends = seen(trends, second * 1_000, { orders: 1_000 });
  trends = seen(trends, 20_000, { orders: 5 }, { epoch: 2 });
  expect(v1(trends).samples).toHaveLength(1);
  expect(acceptedPerSecond(v1(trends))).toBeNull();
});
