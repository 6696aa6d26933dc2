import { openSparkline, type Sparkline } from "../chart.ts";
import { make, setText } from "../dom.ts";
import { countsText, healthShown, healthText } from "../honesty.ts";
import type { Model } from "../model.ts";
import { lookOf } from "../modes.ts";
import { acceptedPerSecond, countedPerSecond, freshnessQuantile, type Pace } from "../pace.ts";

export type Lane = {
  readonly element: HTMLElement;
  draw(model: Model, seconds: readonly number[], most: number): void;
  recolour(): void;
};

const SPARK_HEIGHT = 64;
const FIGURES = ["Accepted / s", "Counted / s", "Lag, orders", "Fresh, median", "Fresh, p99"] as const;
const UNKNOWN = "–";

/** A mark and a name, as a mode is shown everywhere. */
export const markOf = (mode: string): HTMLElement => {
  const { colour, shape } = lookOf(mode);
  const mark = make("i", { class: `shape ${shape}`, "aria-hidden": "true" });
  mark.style.color = `var(--${colour})`;
  return mark;
};

export const openLane = (mode: string): Lane => {
  const title = make("span", { class: "title" });
  const promise = make("p", { class: "promise" });
  const health = make("p", { class: "health" });
  const spark = make("div", { class: "spark", "aria-hidden": "true" });
  const values = FIGURES.map(() => make("dd"));
  const figures = make(
    "dl",
    {},
    ...FIGURES.map((name, index) => make("div", {}, make("dt", {}, name), values[index] ?? "")),
  );
  const head = make("div", {}, make("h3", {}, markOf(mode), mode, title), promise, health);
  const element = make("li", { class: "lane" }, head, spark, figures);
  const { colour, dash } = lookOf(mode);
  let sparkline: Sparkline | null = null;
  let drawnTicks: Pace["ticks"] | null = null;
  let drawnMost = 0;

  const drawSpark = ({ ticks }: Pace, seconds: readonly number[], most: number): void => {
    // made when it has a width, and drawn when a second has passed
    sparkline ??= openSparkline(spark, { height: SPARK_HEIGHT, colour, dash });
    if (drawnTicks === ticks && drawnMost === most) return;
    [drawnTicks, drawnMost] = [ticks, most];
    const rates = new Map(ticks.map(({ atMs, rate }) => [Math.round(atMs / 1_000), rate]));
    sparkline.draw(
      seconds,
      seconds.map((second) => rates.get(second) ?? rates.get(second - 1) ?? null),
      most,
    );
  };
  return {
    element,
    draw: (model, seconds, most) => {
      const told = model.setup?.modes.find(({ name }) => name === mode);
      setText(title, told?.title ?? "");
      setText(promise, told?.durability ?? "");
      drawHealth(health, model, mode);
      for (const [index, text] of figuresOf(model, mode).entries()) {
        const value = values[index];
        if (value) setText(value, text);
      }
      const pace = model.paces.modes[mode];
      if (pace !== undefined) drawSpark(pace, seconds, most);
    },
    recolour: () => sparkline?.recolour(),
  };
};

const drawHealth = (place: HTMLElement, { all, away, raceStatus, formats }: Model, mode: string): void => {
  const state = healthShown(all?.modes[mode]?.health ?? "unknown", raceStatus);
  const sinceMs = away[mode]?.sinceMs;
  const counts = all === null || state === "unknown" ? "" : countsText(all, formats);
  place.dataset["health"] = state === "ok" && counts !== "" ? "uncounted" : state;
  place.title = sinceMs === undefined ? "" : formats.utc(sinceMs);
  setText(place, healthText(state, sinceMs, formats) + counts);
};

/** In the order of `FIGURES`; what the server does not know is a dash. */
const figuresOf = ({ all, paces, formats }: Model, mode: string): string[] => {
  const figures = all?.modes[mode];
  const pace = paces.modes[mode];
  if (figures === undefined || pace === undefined) return FIGURES.map(() => UNKNOWN);
  const told = (value: number | null, format: (value: number) => string): string =>
    value === null ? UNKNOWN : format(value);
  return [
    told(acceptedPerSecond(pace), formats.perSecond),
    told(countedPerSecond(pace), formats.perSecond),
    told(figures.lag, formats.count),
    told(freshnessQuantile(pace, 0.5, paces.atMs), formats.span),
    told(freshnessQuantile(pace, 0.99, paces.atMs), formats.span),
  ];
};
