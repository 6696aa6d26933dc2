/** The charts, drawn by uPlot: bars over time, and a sparkline for each mode. */
import uPlot from "uplot";
import type { Formats } from "./format.ts";
import type { Bar, Measure } from "./sales-bars.ts";
import { colour } from "./theme.ts";

export type BarChart = { draw(bars: readonly Bar[], measure: Measure): void; recolour(): void };
export type BarChartOptions = {
  readonly height: number;
  readonly formats: () => Formats;
  /** Formats a bar's time on the axis. */
  readonly named: (startMs: number) => string;
  /** Whether the axis has its marks at UTC midnights, where the days of sales start. */
  readonly isUtc: () => boolean;
  /** Called with the bar under the pointer; null when there is none. */
  readonly onPoint: (bar: Bar | null) => void;
};
export type Sparkline = {
  draw(seconds: readonly number[], values: readonly (number | null)[], most: number): void;
  recolour(): void;
};

const LABEL_SIZE = "12px";
const AXIS_WIDTH = 50;

/** Keeps a chart as wide as its element. */
const keepWidth = (place: HTMLElement, height: number, chart: () => uPlot): void => {
  new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width > 0 && Math.abs(chart().width - width) >= 1) chart().setSize({ width, height });
  }).observe(place);
};

/** An axis with labels in the page's typeface. */
const axis = (place: HTMLElement, values: (splits: number[]) => string[], more: uPlot.Axis): uPlot.Axis => ({
  stroke: () => colour("muted"),
  font: `${LABEL_SIZE} ${getComputedStyle(place).fontFamily}`,
  ticks: { show: false },
  values: (_chart, splits) => values(splits),
  ...more,
});

/** Bars over time; the bar of the current bucket is drawn as an outline. */
export const openBarChart = (place: HTMLElement, options: BarChartOptions): BarChart => {
  let shown: readonly Bar[] = [];
  let measure: Measure = "orders";
  const paths = uPlot.paths.bars?.({ size: [0.72, 40], radius: 0.15 });
  const series = (fill: () => string, more: uPlot.Series): uPlot.Series => ({
    fill,
    ...more,
    points: { show: false },
    ...(paths && { paths }),
  });
  const chart = new uPlot(
    {
      width: place.clientWidth || 300,
      height: options.height,
      legend: { show: false },
      cursor: { x: true, y: false, drag: { x: false, y: false }, points: { show: false } },
      // half a label to the right, so that the last label fits under its bar
      padding: [10, 28, 0, 0],
      tzDate: (seconds) => {
        const date = new Date(seconds * 1_000);
        return options.isUtc() ? uPlot.tzDate(date, "Etc/UTC") : date;
      },
      scales: {
        x: { time: true, range: (_chart, first, last) => widened(shown, first, last) },
        y: { range: (_chart, _least, most) => [0, niceTop(most)] },
      },
      series: [
        {},
        series(() => colour("accent"), { width: 0 }),
        series(() => colour("accent-soft"), { stroke: () => colour("accent"), width: 1.5 }),
      ],
      axes: axesOf(place, options),
      hooks: { setCursor: [({ cursor }) => options.onPoint(shown[cursor.idx ?? -1] ?? null)] },
    },
    [[], [], []],
    place,
  );
  keepWidth(place, options.height, () => chart);
  return {
    draw: (bars, of) => {
      [shown, measure] = [bars, of];
      chart.setData([
        bars.map(({ startMs }) => startMs / 1_000),
        bars.map((bar) => (bar.isKnown && !bar.isRunning ? bar[measure] : null)),
        bars.map((bar) => (bar.isKnown && bar.isRunning ? bar[measure] : null)),
      ]);
    },
    recolour: () => chart.redraw(),
  };
};

const axesOf = (place: HTMLElement, options: BarChartOptions): uPlot.Axis[] => [
  axis(place, (splits) => splits.map((seconds) => options.named(seconds * 1_000)), {
    space: 100,
    size: 28,
    grid: { show: false },
  }),
  axis(place, (splits) => splits.map((value) => options.formats().compact(value)), {
    size: AXIS_WIDTH,
    space: 44,
    grid: { stroke: () => colour("line"), width: 1 },
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7],
  }),
];

/** Adds half a bar at each end, which would be cut off otherwise. */
const widened = (bars: readonly Bar[], first: number, last: number): [number, number] => {
  if (bars.length === 0) return [0, 1];
  const half = ((bars[1]?.startMs ?? 0) - (bars[0]?.startMs ?? 0)) / 2_000;
  return [first - half, last + half];
};

/** At least 1, so that an empty chart has an axis. */
const niceTop = (most: number | null): number => Math.max(1, (most ?? 0) * 1.08);

/** A line in its mode's colour and dash, without axes. `most` is the top of the scale that all modes share. */
export const openSparkline = (
  place: HTMLElement,
  options: { readonly height: number; readonly colour: string; readonly dash: readonly number[] },
): Sparkline => {
  let top = 1;
  const chart = new uPlot(
    {
      width: place.clientWidth || 200,
      height: options.height,
      legend: { show: false },
      cursor: { show: false },
      padding: [4, 2, 2, 2],
      scales: { x: { time: false }, y: { range: () => [0, top] } },
      axes: [{ show: false }, { show: false }],
      series: [
        {},
        {
          stroke: () => colour(options.colour),
          fill: () => colour(`${options.colour}-soft`),
          width: 2,
          dash: [...options.dash],
          points: { show: false },
        },
      ],
    },
    [[], []],
    place,
  );
  keepWidth(place, options.height, () => chart);
  return {
    draw: (seconds, values, most) => {
      top = niceTop(most);
      chart.setData([[...seconds], [...values]]);
    },
    recolour: () => chart.redraw(),
  };
};
