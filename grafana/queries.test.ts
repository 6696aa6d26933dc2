import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { JOBS } from "./metric-sources.ts";
import {
  metricsIn,
  queriesOfAll,
  RULES_FOLDER,
  readRules,
  withVariables,
  withWindowsDivided,
} from "./queries.ts";
import { recordingYaml } from "./rules/recording.ts";

const rules = readRules();
const recorded = rules.flatMap(({ record }) => record ?? []);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const runbook = readFileSync(join(import.meta.dirname, "RUNBOOK.md"), "utf8");
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split("\n")[0]?.trim() ?? "", section] as const),
);

test("the committed recording rules are what npm run dashboards writes", () => {
  expect(readFileSync(join(RULES_FOLDER, "recording.yaml"), "utf8")).toBe(recordingYaml());
});

const queries = queriesOfAll();
const exprs = queries.map(({ expr }) => expr);

test("every selected job is configured under that name", () => {
  const jobs = exprs.flatMap((expr) => [...expr.matchAll(/\bjob=~?"([^"]*)"/g)].map(([, job = ""]) => job));
  expect(jobs.length).toBeGreaterThan(10);
  const names = jobs.flatMap((job) => job.split("|"));
  expect(names.filter((name) => !JOBS.some((each) => each === name))).toEqual([]);
  // CoffeeBlind selects all of them
  const blind = alerts.find(({ alert }) => alert === "CoffeeBlind");
  expect(blind?.expr).toContain(`job=~"${JOBS.join("|")}"`);
});

test("every bucket is selected by both spellings of its bound: Prometheus 3 stores 1 as 1.0", () => {
  expect(exprs.filter((expr) => /\ble\s*=\s*"\d+"/.test(expr))).toEqual([]);
});

test("a recorded metric is named level:metric:operations, and a board or an alert reads it", () => {
  const readers = queries.filter(({ rule }) => rule?.record === undefined);
  const read = readers.flatMap(({ expr }) => metricsIn(expr));
  for (const name of recorded) {
    expect(name).toMatch(/^[a-z_]+:[a-z_]+:[a-z0-9_]+$/);
    expect(read).toContain(name);
  }
  // and every name of that form is recorded
  expect(read.filter((name) => name.includes(":") && !recorded.includes(name))).toEqual([]);
});

test("the runbook has a section for each alert, in the same order", () => {
  expect([...sections.keys()].filter((title) => title.startsWith("Coffee"))).toEqual(
    alerts.map(({ alert }) => alert),
  );
});

describe.each(alerts)("$alert", ({ alert = "", for: since, labels, annotations = {} }) => {
  test("has a delay, a severity, a summary, a description and a link to the runbook", () => {
    expect(since).toMatch(/^\d+m$/);
    expect(labels?.["severity"]).toMatch(/^(page|ticket)$/);
    expect(annotations["summary"]).toMatch(/^\S.{15,}/);
    expect(annotations["description"]).toMatch(/^[A-Z].*\.$/);
    expect(annotations["runbook_url"]).toBe(`grafana/RUNBOOK.md#${alert.toLowerCase()}`);
  });

  test("its section has the meaning, where to look and what to do", () => {
    const section = sections.get(alert) ?? "";
    for (const part of ["**Means**", "**Look**", "**Do**"]) expect(section).toContain(part);
  });
});

type Tests = {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly unknown[];
    }[];
  }[];
};

test("every alert is tested both firing and silent", () => {
  const folder = join(RULES_FOLDER, "tests");
  const cases = readdirSync(folder)
    .map((file) => parse(readFileSync(join(folder, file), "utf8")) as Tests)
    .flatMap(({ tests }) => tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test));
  for (const { alert } of alerts) {
    const own = cases
      .filter(({ alertname }) => alertname === alert)
      .map(({ exp_alerts = [] }) => exp_alerts.length);
    expect(
      own.some((firing) => firing > 0),
      `${alert} firing`,
    ).toBe(true);
    expect(
      own.some((firing) => firing === 0),
      `${alert} silent`,
    ).toBe(true);
  }
});

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

test("replaces the variables of a query", () => {
  const expr = 'rate(x{mode=~"$mode"}[$__rate_interval])';
  expect(withVariables(expr, "20s")).toBe('rate(x{mode=~".*"}[20s])');
  expect(withVariables(expr, "20s", "v2")).toBe('rate(x{mode=~"v2"}[20s])');
});

test("divides windows, and nothing else", () => {
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
