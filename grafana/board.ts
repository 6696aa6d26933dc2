/** A board as data, before dashboards.ts turns it into Grafana's JSON: rows of panels with title, unit, advice and queries. */

/** Grafana's ids of units. */
export type Unit = "ops" | "s" | "percentunit" | "bytes" | "short" | "Bps" | "none";

export type PanelQuery = {
  /** PromQL; `$mode` is the board's variable, `$__rate_interval` is at least four scrape intervals. */
  readonly expr: string;
  /** The labels that distinguish the lines, as `{{label}}`. */
  readonly legend: string;
};

export type Panel = {
  readonly title: string;
  readonly unit: Unit;
  /** What the panel shows, and what to do when a value is unusual. */
  readonly description: string;
  readonly queries: readonly PanelQuery[];
  /** Shows the current value instead of lines over time. */
  readonly isNow?: true;
  /** The objective or limit: values from here on are red. */
  readonly limit?: number;
  /** Values below the limit are red: the panel shows what is left of something. */
  readonly isLeft?: true;
};

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

export type Board = {
  /** Part of its uid, and of its file's name. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whether its panels can be filtered by mode. */
  readonly hasModes?: true;
  /** Whether it shows the annotations of lab runs. */
  readonly isMarkedByLab?: true;
  readonly rows: readonly Row[];
};

/** A quantile of a histogram, by these labels. */
export const quantile = (share: number, histogram: string, by: string, matchers = ""): string =>
  `histogram_quantile(${share}, sum by (le, ${by}) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`;

/** A counter's rate per second, by these labels. */
export const perSecond = (counter: string, by: string, matchers = ""): string =>
  `sum by (${by}) (rate(${counter}${matchers && `{${matchers}}`}[$__rate_interval]))`;

/** Selects the modes that the board is filtered by. */
export const OF_MODES = 'mode=~"$mode"';

/** The labels as a legend: "mode, reason" becomes "{{mode}} {{reason}}". */
const legendOf = (by: string, suffix: string): string =>
  [...by.split(", ").map((label) => `{{${label}}}`), ...(suffix ? [suffix] : [])].join(" ");

/** `perSecond` with the labels, and a suffix, as legend. */
export const rateOf = (counter: string, by: string, matchers = "", suffix = ""): PanelQuery => ({
  expr: perSecond(counter, by, matchers),
  legend: legendOf(by, suffix),
});

/** `quantile` with the labels, and a suffix, as legend. */
export const quantileOf = (
  share: number,
  histogram: string,
  by: string,
  matchers = "",
  suffix = "",
): PanelQuery => ({ expr: quantile(share, histogram, by, matchers), legend: legendOf(by, suffix) });

/** The maximum of a gauge by these labels, with the labels, and a suffix, as legend. */
export const maxOf = (gauge: string, by: string, matchers = "", suffix = ""): PanelQuery => ({
  expr: `max by (${by}) (${gauge}${matchers && `{${matchers}}`})`,
  legend: legendOf(by, suffix),
});
