/** Every board and every rule, and the PromQL queries in them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Board } from "./board.ts";
import { kafka, redis } from "./boards/brokers.ts";
import { ingest } from "./boards/ingest.ts";
import { lab } from "./boards/lab.ts";
import { overview } from "./boards/overview.ts";
import { pipeline } from "./boards/pipeline.ts";
import { postgres } from "./boards/postgres.ts";
import { node, websocket } from "./boards/programs.ts";
import { EARLIER_SYSTEM } from "./metric-sources.ts";

export const boards: readonly Board[] = [
  overview,
  ingest,
  pipeline,
  postgres,
  redis,
  kafka,
  node,
  websocket,
  lab,
];

export type Rule = {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

export const RULES_FOLDER = join(import.meta.dirname, "rules");
export const RULE_FILES = ["recording.yaml", "alerts.yaml"] as const;

export const readRules = (): readonly Rule[] =>
  RULE_FILES.flatMap((file) => {
    const { groups } = parse(readFileSync(join(RULES_FOLDER, file), "utf8")) as {
      groups: readonly { rules: readonly Rule[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  });

export type Query = {
  /** The panel, rule or board that it belongs to, for messages. */
  readonly by: string;
  readonly expr: string;
  readonly rule?: Rule;
};

/** The queries of boards and rules, and those of the earlier system's board. */
export const queriesOfAll = (): readonly Query[] => [
  ...boards.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr, legend }) => ({ by: `${title} / ${panel.title} / ${legend}`, expr })),
      ),
    ),
  ),
  ...readRules().map((rule) => ({
    by: rule.alert === undefined ? `rule ${rule.record}` : `alert ${rule.alert}`,
    expr: rule.expr,
    rule,
  })),
  ...EARLIER_SYSTEM.map((expr) => ({ by: "board of the earlier system", expr })),
];

const KEYWORDS = new Set(
  "and or unless on ignoring by without group_left group_right bool offset atan2 inf nan".split(" "),
);

/** The metrics that an expression reads, each once. Names of recorded ones contain colons. */
export const metricsIn = (expr: string): readonly string[] => {
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const names = [...bare.matchAll(/(?<![\w:.$])([a-zA-Z_:][\w:]*)(\s*\()?/g)]
    .filter(([, name = "", call]) => call === undefined && !KEYWORDS.has(name.toLowerCase()))
    .map(([, name = ""]) => name);
  return [...new Set(names)];
};

/** The query as Grafana sends it: for every mode, or for one. */
export const withVariables = (expr: string, rateInterval: string, mode = ".*"): string =>
  expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$mode", mode);

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * The rules with each of their windows, `for`, `keep_firing_for` and `interval` divided: an alert that takes an hour to
 * fire then takes a minute. Thresholds and the names of recorded metrics stay.
 */
export const withWindowsDivided = (rules: string, by: number): string => {
  const divided = (amount: string, unit: string): string =>
    `${(Number(amount) * (UNITS_MS[unit] ?? 0)) / by}ms`;
  return rules
    .replaceAll(/\[(\d+)(ms|[smhd])\]/g, (_all, amount: string, unit: string) => `[${divided(amount, unit)}]`)
    .replaceAll(
      /^(\s*(?:for|keep_firing_for|interval): )(\d+)(ms|[smhd])$/gm,
      (_all, key: string, amount: string, unit: string) => `${key}${divided(amount, unit)}`,
    );
};
