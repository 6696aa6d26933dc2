import { expect, test } from "vitest";
import { metricsIn, withVariables, withWindowsDivided } from "./promql.ts";

test.each([
  ["up", ["up"]],
  ['sum by (mode) (rate(a_total{mode=~"$mode", le="1"}[$__rate_interval]))', ["a_total"]],
  ["level:a:rate5m > 14.4 * 0.001 and level:b:max == 0", ["level:a:rate5m", "level:b:max"]],
  ["max by (a, b) (x) / on (c) group_left (d) y or 0 * x", ["x", "y"]],
  ['label_replace(x, "kind", "$1", "mode", "(.*)") offset 5m', ["x"]],
  ['absent(up{job="order-api"} == 1) or vector(0)', ["up"]],
  ["predict_linear(x:ratio[1h], 4 * 3600) < 0 unless on (a) y == 1e3", ["x:ratio", "y"]],
])("%s reads %j", (expr, metrics) => {
  expect(metricsIn(expr)).toEqual(metrics);
});

test("a query without its variables is PromQL", () => {
  const expr = 'rate(x{mode=~"$mode"}[$__rate_interval])';
  expect(withVariables(expr, "20s")).toBe('rate(x{mode=~".*"}[20s])');
  expect(withVariables(expr, "20s", "v2")).toBe('rate(x{mode=~"v2"}[20s])');
});

test("windows, and nothing else, are divided", () => {
  const rules = `groups:
  - name: x
    interval: 1m
    rules:
      - record: mode:x:ratio_rate1h
        expr: rate(x[1h]) > 14.4 * 0.001 and rate(x[5m]) and predict_linear(y[90s], 4 * 3600)
        for: 15m
        keep_firing_for: 10m
        annotations: { description: "for: 15m of 5m" }`;
  expect(withWindowsDivided(rules, 60)).toBe(`groups:
  - name: x
    interval: 1000ms
    rules:
      - record: mode:x:ratio_rate1h
        expr: rate(x[60000ms]) > 14.4 * 0.001 and rate(x[5000ms]) and predict_linear(y[1500ms], 4 * 3600)
        for: 15000ms
        keep_firing_for: 10000ms
        annotations: { description: "for: 15m of 5m" }`);
});
