import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { boards } from "./boards.ts";
import { JOBS } from "./jobs.ts";
import { metricsIn } from "./promql.ts";
import { recordingYaml } from "./rules/recording.ts";
import { RULES_FOLDER, readRules } from "./rules.ts";

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

test("what is committed is what the data make: npm run dashboards writes it", () => {
  expect(readFileSync(join(RULES_FOLDER, "recording.yaml"), "utf8")).toBe(recordingYaml());
});

const exprs = [
  ...rules.map(({ expr }) => expr),
  ...boards.flatMap(({ rows }) =>
    rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))),
  ),
];

test("what is asked of a job is asked of one that is configured under that name", () => {
  const jobs = exprs.flatMap((expr) => [...expr.matchAll(/\bjob=~?"([^"]*)"/g)].map(([, job = ""]) => job));
  expect(jobs.length).toBeGreaterThan(10);
  const names = jobs.flatMap((job) => job.split("|"));
  expect(names.filter((name) => !JOBS.some((each) => each === name))).toEqual([]);
});

test("no bound of a histogram is asked for by one spelling: Prometheus 3 stores 1 as 1.0", () => {
  expect(exprs.filter((expr) => /\ble\s*=\s*"\d+"/.test(expr))).toEqual([]);
});

test("what is recorded is named level:metric:operations, and read by a board or an alert", () => {
  const readers = [...alerts, ...boards.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels))];
  const read = readers.flatMap((reader) =>
    ("queries" in reader ? reader.queries : [reader]).flatMap(({ expr }) => metricsIn(expr)),
  );
  for (const name of recorded) {
    expect(name).toMatch(/^[a-z_]+:[a-z_]+:[a-z0-9_]+$/);
    expect(read).toContain(name);
  }
  // and whatever looks recorded is
  expect(read.filter((name) => name.includes(":") && !recorded.includes(name))).toEqual([]);
});

test("alerts and sections of the runbook are the same, in the same order", () => {
  expect([...sections.keys()].filter((title) => title.startsWith("Coffee"))).toEqual(
    alerts.map(({ alert }) => alert),
  );
});

describe.each(alerts)("$alert", ({ alert = "", for: since, labels, annotations = {} }) => {
  test("waits, says how urgent it is, what is wrong, and where to read on", () => {
    expect(since).toMatch(/^\d+m$/);
    expect(labels?.["severity"]).toMatch(/^(page|ticket)$/);
    expect(annotations["summary"]).toMatch(/^\S.{15,}/);
    expect(annotations["description"]).toMatch(/^[A-Z].*\.$/);
    expect(annotations["runbook_url"]).toBe(`grafana/RUNBOOK.md#${alert.toLowerCase()}`);
  });

  test("its section says what it means, where to look and what to do", () => {
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
  const looks = readdirSync(folder)
    .map((file) => parse(readFileSync(join(folder, file), "utf8")) as Tests)
    .flatMap(({ tests }) => tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test));
  for (const { alert } of alerts) {
    const own = looks
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
