/** Rules for boards: those of Grafana's own linter, and some of this project. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Panel as BuiltPanel } from "@grafana/grafana-foundation-sdk/dashboard";
import { describe, expect, test } from "vitest";
import type { Panel } from "./board.ts";
import { dashboardOf, jsonOf, LAB_TAG, uidOf } from "./dashboards.ts";
import { boards } from "./queries.ts";

const folder = join(import.meta.dirname, "dashboards");

test("the committed JSON is what npm run dashboards writes", () => {
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort(),
  ).toEqual(boards.map(({ name }) => `${name}.json`).sort());
  for (const board of boards)
    expect(readFileSync(join(folder, `${board.name}.json`), "utf8"), board.name).toBe(jsonOf(board));
});

test("no two boards have the same uid", () => {
  expect(new Set(boards.map(uidOf)).size).toBe(boards.length);
});

const sentencesIn = (text: string): number => text.split(/[.:;]\s/).length;
const rates = /\b(rate|irate|increase)\s*\(/;
const fixedRange = /\[(?!\$__rate_interval\])[^\]]*\]/;
const counters = /\w+(_total|_bucket)\b/;

describe.each(boards)("$title", (board) => {
  const panels: readonly Panel[] = board.rows.flatMap((row) => row.panels);
  const { panels: built = [], templating, annotations } = dashboardOf(board);
  const drawn = built.filter((each): each is BuiltPanel => each.type !== "row");

  test.each(panels)("$title has a title, a unit, advice and queries", (panel) => {
    expect(panel.title).toMatch(/^[A-Z]/);
    expect(panel.unit).not.toBe("");
    // what it shows, and what to do
    expect(panel.description.length).toBeGreaterThan(60);
    expect(sentencesIn(panel.description)).toBeGreaterThan(1);
    expect(panel.description).toMatch(/[.)]$/);
    expect(panel.queries.length).toBeGreaterThan(0);
    expect(new Set(panel.queries.map(({ legend }) => legend)).size).toBe(panel.queries.length);
  });
  test.each(panels)("$title uses $__rate_interval for rates, and never a counter without a rate", (panel) => {
    for (const query of panel.queries) {
      const expr = query.expr.replaceAll(/"[^"]*"/g, '""');
      if (rates.test(expr)) expect(expr).not.toMatch(fixedRange);
      if (!rates.test(expr)) expect(expr).not.toMatch(counters);
    }
  });

  test("every panel queries the chosen data source and has a fixed id", () => {
    for (const panel of built.filter(({ type }) => type !== "row")) {
      expect(panel).toMatchObject({ datasource: { type: "prometheus", uid: "$datasource" } });
    }
    const ids = built.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(undefined);
  });

  test("current values are instant queries, and missing ones are shown as such", () => {
    const now = panels.filter(({ isNow }) => isNow).map(({ title }) => title);
    const stats = drawn.filter(({ type }) => type === "stat");
    expect(stats.map(({ title }) => title)).toEqual(now);
    for (const { targets, fieldConfig } of stats) {
      expect(fieldConfig?.defaults).toMatchObject({ noValue: "no data" });
      for (const target of targets ?? []) expect(target).toMatchObject({ instant: true, range: false });
    }
  });

  test("every limit of a time series is drawn", () => {
    const dashed = drawn.filter(({ fieldConfig = {} }) =>
      JSON.stringify(fieldConfig).includes('"thresholdsStyle":{"mode":"dashed"}'),
    );
    const limited = panels.filter(({ isNow, limit }) => !isNow && limit !== undefined);
    expect(dashed.map(({ title }) => title)).toEqual(limited.map(({ title }) => title));
  });

  test("the list of boards is not hidden in a menu", () => {
    expect(jsonOf(board)).not.toContain("inControlsMenu");
  });

  test("it defines exactly the variables that it uses", () => {
    const names = (templating?.list ?? []).map(({ name }) => name);
    expect(names).toEqual(board.hasModes ? ["datasource", "mode"] : ["datasource"]);
    expect(JSON.stringify(panels).includes("$mode")).toBe(board.hasModes === true);
  });

  test("it shows annotations of the lab only if the board has that option", () => {
    expect(JSON.stringify(annotations).includes(LAB_TAG)).toBe(board.isMarkedByLab === true);
  });

  test("panels do not overlap", () => {
    const taken = new Set<string>();
    for (const { gridPos } of built) {
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          expect(taken.has(`${column} ${line}`)).toBe(false);
          taken.add(`${column} ${line}`);
        }
    }
  });
});
