/** The comparison of modes: for each mode its guarantee, health, rate and freshness, all on one scale. */
import { openSparkline, type Sparkline } from "../chart.ts";
import { byId, make, onChange, openChanges, setFigure, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { isReceiving, type Model, type Part } from "../model.ts";
import { countsText, healthShown, healthText } from "../status-text.ts";
import { markOf, styleOf } from "../theme.ts";
import {
  acceptedPerSecond,
  countedPerSecond,
  freshnessQuantile,
  TREND_SECONDS,
  type Trend,
  type Trends,
} from "../trends.ts";
import { openTable, type TableData } from "./table.ts";

/** One row of the table for so many seconds. */
const TABLE_STEP_SECONDS = 10;
/** Figures that change ten times a second would be unreadable. */
const DRAW_EVERY_MS = 1_000;
const SPARKLINE_HEIGHT = 64;
const FIGURES = ["Accepted / s", "Counted / s", "Lag, orders", "Fresh, median", "Fresh, p99"] as const;
const UNKNOWN = "–";

export const openModes = (): Part => {
  const [list, empty, summary] = [byId("modes"), byId("modes-empty"), byId("modes-summary")];
  const table = openTable(byId("modes-details"));
  const rows = new Map<string, ModeRow>();
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const hasChanged = openChanges();

  const arrange = onChange((modes: readonly string[]) => {
    for (const mode of [...rows.keys()].filter((each) => !modes.includes(each))) rows.delete(mode);
    for (const mode of modes) if (!rows.has(mode)) rows.set(mode, openModeRow(mode));
    list.replaceChildren(...modes.flatMap((mode) => rows.get(mode)?.element ?? []));
  });
  const drawRows = (model: Model): void => {
    const { trends, modes, formats } = model;
    const seconds = secondsUntil(trends.atMs);
    const rates = Object.values(trends.modes).flatMap(({ samples }) => samples.map(({ rate }) => rate ?? 0));
    const most = Math.max(0, ...rates);
    for (const row of rows.values()) row.draw(model, seconds, most);
    setText(summary, freshnessSummary(model));
    table.offer(modes.join(), () => ratesTable(trends, modes, seconds, formats));
  };
  return {
    draw: (model) => {
      if (model.all === null) return;
      const { modes, setup, unhealthy, formats, allStatus } = model;
      const isDue = performance.now() - drawnAtMs >= DRAW_EVERY_MS;
      if (!hasChanged(modes, setup, unhealthy, formats, allStatus.phase) && !isDue) return;
      drawnAtMs = performance.now();
      empty.hidden = true;
      arrange(modes);
      drawRows(model);
    },
    recolour: () => {
      for (const row of rows.values()) row.recolour();
    },
  };
};

type ModeRow = {
  readonly element: HTMLElement;
  draw(model: Model, seconds: readonly number[], most: number): void;
  recolour(): void;
};

const openModeRow = (mode: string): ModeRow => {
  const title = make("span", { class: "title" });
  const durability = make("p", { class: "durability" });
  const health = make("p", { class: "health" });
  const plot = make("div", { class: "sparkline", "aria-hidden": "true" });
  const values = FIGURES.map(() => make("dd"));
  const figures = make(
    "dl",
    {},
    ...FIGURES.map((name, index) => make("div", {}, make("dt", {}, name), values[index] ?? "")),
  );
  const head = make("div", {}, make("h3", {}, markOf(mode), mode, title), durability, health);
  const { colour, dash } = styleOf(mode);
  let sparkline: Sparkline | null = null;
  let drawnSamples: Trend["samples"] | null = null;
  let drawnMost = 0;

  const drawSparkline = ({ samples }: Trend, seconds: readonly number[], most: number): void => {
    // created when its element has a width, and drawn once per second
    sparkline ??= openSparkline(plot, { height: SPARKLINE_HEIGHT, colour, dash });
    if (drawnSamples === samples && drawnMost === most) return;
    [drawnSamples, drawnMost] = [samples, most];
    const rates = new Map(samples.map(({ atMs, rate }) => [Math.round(atMs / 1_000), rate]));
    sparkline.draw(
      seconds,
      seconds.map((second) => rates.get(second) ?? rates.get(second - 1) ?? null),
      most,
    );
  };
  return {
    element: make("li", { class: "mode" }, head, plot, figures),
    draw: (model, seconds, most) => {
      const setup = model.setup?.modes.find(({ name }) => name === mode);
      setText(title, setup?.title ?? "");
      setText(durability, setup?.durability ?? "");
      drawHealth(health, model, mode);
      for (const [index, text] of figuresOf(model, mode).entries()) {
        const value = values[index];
        if (value) setFigure(value, text);
      }
      const trend = model.trends.modes[mode];
      if (trend !== undefined) drawSparkline(trend, seconds, most);
    },
    recolour: () => sparkline?.recolour(),
  };
};

const drawHealth = (
  element: HTMLElement,
  { all, unhealthy, allStatus, formats }: Model,
  mode: string,
): void => {
  const health = healthShown(all?.modes[mode]?.health ?? "unknown", allStatus);
  const sinceMs = unhealthy[mode]?.sinceMs;
  const counts = all === null || health === "unknown" ? "" : countsText(all, formats);
  element.dataset["health"] = health === "ok" && counts !== "" ? "uncounted" : health;
  element.title = sinceMs === undefined ? "" : formats.utc(sinceMs);
  setText(element, healthText(health, sinceMs, formats) + counts);
};

/** In the order of `FIGURES`; unknown ones are a dash. */
const figuresOf = ({ all, trends, formats }: Model, mode: string): string[] => {
  const figures = all?.modes[mode];
  const trend = trends.modes[mode];
  if (figures === undefined || trend === undefined) return FIGURES.map(() => UNKNOWN);
  const textOf = (value: number | null, format: (value: number) => string): string =>
    value === null ? UNKNOWN : format(value);
  return [
    textOf(acceptedPerSecond(trend), formats.perSecond),
    textOf(countedPerSecond(trend), formats.perSecond),
    textOf(figures.lag, formats.count),
    textOf(freshnessQuantile(trend, 0.5, trends.atMs), formats.span),
    textOf(freshnessQuantile(trend, 0.99, trends.atMs), formats.span),
  ];
};

const secondsUntil = (atMs: number): number[] => {
  const last = Math.floor(atMs / 1_000);
  return Array.from({ length: TREND_SECONDS }, (_, index) => last - TREND_SECONDS + 1 + index);
};

const freshnessSummary = (model: Model): string => {
  const { trends, modes, formats } = model;
  const medians = modes
    .map((mode) => ({ mode, ms: medianOf(trends, mode) }))
    .filter((each): each is { mode: string; ms: number } => each.ms !== null)
    .sort((a, b) => a.ms - b.ms);
  const texts = medians.map(({ mode, ms }) => `${mode} ${formats.span(ms)}`).join(", ");
  if (texts !== "") return `Median freshness, lowest first: ${texts}.`;
  return isReceiving(model)
    ? "No orders were counted in the last minute."
    : "The orders counted in the last minute are unknown.";
};

const medianOf = (trends: Trends, mode: string): number | null => {
  const trend = trends.modes[mode];
  return trend === undefined ? null : freshnessQuantile(trend, 0.5, trends.atMs);
};

const ratesTable = (
  { modes: trends }: Trends,
  modes: readonly string[],
  seconds: readonly number[],
  formats: Formats,
): TableData => {
  const shown = seconds.filter((second) => second % TABLE_STEP_SECONDS === 0).toReversed();
  const rateAt = (mode: string, second: number): string => {
    const sample = trends[mode]?.samples.find(({ atMs }) => Math.abs(atMs / 1_000 - second) <= 1);
    return sample?.rate == null ? UNKNOWN : formats.perSecond(sample.rate);
  };
  return {
    of: modes.join(),
    caption: `As of ${formats.clock((seconds.at(-1) ?? 0) * 1_000)}`,
    head: ["At", "UTC", ...modes.map((mode) => `${mode}, per second`)],
    rows: shown.map((second) => ({
      key: String(second),
      cells: [
        formats.clock(second * 1_000),
        formats.utc(second * 1_000),
        ...modes.map((mode) => rateAt(mode, second)),
      ],
    })),
  };
};
