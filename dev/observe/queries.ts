/** Everything that boards and rules ask Prometheus for, and what a Prometheus answers to it. */
import { boards } from "../../grafana/boards.ts";
import { EARLIER_SYSTEM } from "../../grafana/earlier-system.ts";
import { metricsIn, withVariables } from "../../grafana/promql.ts";
import { readRules } from "../../grafana/rules.ts";

export type Asked = { readonly by: string; readonly expr: string };

/** A query that can be narrowed to a mode is asked for each: that one answers says nothing of the others. */
const forEachMode = (asked: Asked, modes: readonly string[], rateInterval: string): readonly Asked[] =>
  (asked.expr.includes("$mode") ? modes : [".*"]).map((mode) => ({
    by: asked.by,
    expr: withVariables(asked.expr, rateInterval, mode),
  }));

/**
 * An alert answers only when it fires, and that is looked at by its fault: here it is asked for what it reads. So is
 * what is compared with nothing yet.
 */
export const askedFor = (rateInterval: string, modes: readonly string[]): readonly Asked[] => [
  ...boards.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.queries.flatMap(({ expr, legend }) =>
          forEachMode({ by: `${title} / ${panel.title} / ${legend}`, expr }, modes, rateInterval),
        ),
      ),
    ),
  ),
  ...readRules().flatMap(({ record, alert, expr }) => {
    if (record === undefined)
      return metricsIn(expr).map((metric) => ({ by: `alert ${alert}`, expr: metric }));
    const asked = { by: "rule", expr: record.startsWith("mode:") ? `${record}{mode="$mode"}` : record };
    return forEachMode(asked, modes, rateInterval);
  }),
  ...EARLIER_SYSTEM.map((expr) => ({
    by: "the board of the earlier system",
    expr: withVariables(expr, rateInterval),
  })),
];

type Answer = {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
};

/** The values that a query has now. Throws what Prometheus says of a query that it cannot read. */
export const valuesOf = async (prometheusUrl: string, expr: string): Promise<readonly number[]> => {
  const response = await fetch(`${prometheusUrl}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query: expr }),
  });
  const { status, error, data } = (await response.json()) as Answer;
  if (status !== "success") throw new Error(`${error ?? status}: ${expr}`);
  return (data?.result ?? []).map(({ value }) => Number(value[1]));
};

/** What is asked for and has no value, or none that is a number. */
export const unanswered = async (
  prometheusUrl: string,
  asked: readonly Asked[],
): Promise<readonly Asked[]> => {
  const without: Asked[] = [];
  for (const each of asked) {
    const values = await valuesOf(prometheusUrl, each.expr);
    if (!values.some(Number.isFinite)) without.push(each);
  }
  return without;
};

type Alerts = {
  readonly data: {
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
  };
};

/** Names and labels of the alerts that fire now. */
export const firing = async (prometheusUrl: string): Promise<readonly Readonly<Record<string, string>>[]> => {
  const { data } = (await (await fetch(`${prometheusUrl}/api/v1/alerts`)).json()) as Alerts;
  return data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels);
};

type TargetsAnswer = {
  readonly data: {
    readonly activeTargets: readonly {
      readonly scrapeUrl: string;
      readonly health: string;
      readonly lastError: string;
    }[];
  };
};

/** Pages that Prometheus could not read, with what it says of each. */
export const unreadPages = async (prometheusUrl: string): Promise<readonly string[]> => {
  const { data } = (await (await fetch(`${prometheusUrl}/api/v1/targets`)).json()) as TargetsAnswer;
  return data.activeTargets
    .filter(({ health }) => health !== "up")
    .map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`);
};
