/** What a board is before it is Grafana's JSON: rows of panels, each a title, a unit, advice and queries. */

/** Units by Grafana's ids. */
export type Unit = "ops" | "s" | "percentunit" | "bytes" | "short" | "Bps" | "none";

export type Query = {
  /** PromQL; `$mode` is what the board is set to, `$__rate_interval` four scrapes or more. */
  readonly expr: string;
  /** What tells the lines apart, as `{{label}}`. */
  readonly legend: string;
};

export type Panel = {
  readonly title: string;
  readonly unit: Unit;
  /** What it shows, and what to do when it looks wrong. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** One number now instead of lines over time. */
  readonly isNow?: true;
  /** From here on it is red: where an objective or a limit is. */
  readonly limit?: number;
  /** Red below the limit instead: for what is left of something. */
  readonly isLeft?: true;
};

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

export type Board = {
  /** Part of its address, and of its file's name after "coffee-". */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whether its panels can be narrowed to some of the modes. */
  readonly hasModes?: true;
  /** Whether runs of the lab are marked in it. */
  readonly isMarkedByLab?: true;
  readonly rows: readonly Row[];
};

/** A quantile of a histogram, by the labels named. */
export const quantile = (share: number, histogram: string, by: string, matchers = ""): string =>
  `histogram_quantile(${share}, sum by (le, ${by}) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`;

/** Per second, by the labels named. */
export const perSecond = (counter: string, by: string, matchers = ""): string =>
  `sum by (${by}) (rate(${counter}${matchers && `{${matchers}}`}[$__rate_interval]))`;

/** Where a mode is chosen. */
export const OF_MODES = 'mode=~"$mode"';
