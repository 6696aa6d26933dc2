/** The chart that answers the question: which mode is cheapest while meeting the objective, at each rate. */

import { OBJECTIVES } from "../../judge/objectives.ts";
import type { Suite } from "../../run/results.ts";
import { type Contender, type Crossover, crossoverOf, type Segment } from "../crossover.ts";
import { capacitiesOf } from "../figures.ts";
import { numberText } from "../numbers.ts";
import type { Chart, Picture } from "../picture.ts";
import { logAcross, logUp, modeChannels, WIDTH_PIXELS } from "./marks.ts";

const HEIGHT_PIXELS = 330;
const STRIP_PIXELS = 34;
/** A segment of the strip with less room than this for each character of its name goes without. */
const PIXELS_PER_CHARACTER = 9;

export const crossovers = (suite: Suite): Picture[] => {
  const sizes = [...new Set(capacitiesOf(suite, "E2").map(({ ordersPerRequest }) => ordersPerRequest))];
  return sizes.flatMap((size) => {
    const crossover = crossoverOf(suite, size, "interactive");
    return crossover.contenders.length === 0 ? [] : [pictureOf(crossover, size)];
  });
};

/** Where the generator was the limit, no rate has failed. */
const isOpen = (contenders: readonly Contender[]): boolean =>
  contenders.some(({ failsAt }) => !Number.isFinite(failsAt));

/** Mode by mode: where two have a rate in common, no difference between them was shown there. */
export const crossoverSentence = ({ contenders, segments }: Crossover): string => {
  const [first] = segments;
  if (first === undefined) return "";
  const ranges = contenders.map(({ mode }) => {
    const spans = spansOf(mode, segments).map(({ from, to }) => `${numberText(from)} to ${numberText(to)}`);
    return spans.length === 0 ? `${mode} nowhere` : `${mode} from ${spans.join(" and from ")} orders/s`;
  });
  const open = segments.filter(({ modes }) => modes.length === 0).map(({ from }) => from);
  const beyond = isOpen(contenders) ? "the generator was the limit" : "none meets the objective";
  return [...ranges, ...open.map((from) => `beyond ${numberText(from)} ${beyond}`)].join("; ");
};

/** Segments in a row in which a mode may be the cheapest, as one. */
const spansOf = (mode: string, segments: readonly Segment[]): { from: number; to: number }[] => {
  const spans: { from: number; to: number }[] = [];
  for (const { from, to, modes } of segments) {
    if (!modes.includes(mode)) continue;
    const last = spans.at(-1);
    if (last?.to === from) last.to = to;
    else spans.push({ from, to });
  }
  return spans;
};

const pictureOf = (crossover: Crossover, size: number): Picture => {
  const orders = size === 1 ? "single orders" : `${size} orders per request`;
  return {
    id: `crossover-${size}`,
    title: `Which mode is cheapest at each rate, ${orders}`,
    reading: `A line ends where ${OBJECTIVES.interactive.label} does; its bar reaches to the first rate that failed. Bands: intervals of repeated runs.`,
    description: `CPU-seconds for a thousand orders against orders per second. Cheapest: ${crossoverSentence(crossover)}.`,
    chart: chartOf(crossover),
  };
};

const chartOf = ({ contenders, segments }: Crossover): Chart => {
  const rates = contenders.flatMap(({ costs, failsAt, capacity }) => [
    costs[0]?.ordersPerSecond ?? capacity,
    capacity,
    Number.isFinite(failsAt) ? failsAt : capacity,
    ...segments.map(({ to }) => to),
  ]);
  return {
    spacing: 30,
    resolve: { scale: { color: "shared", x: "independent" } },
    vconcat: [costsView(contenders, rates), stripView(segments, contenders, rates)],
  };
};

const costsView = (contenders: readonly Contender[], rates: readonly number[]) => {
  const modes = contenders.map(({ mode }) => mode);
  const { shape, ...lines } = modeChannels(modes);
  const x = logAcross("rate", "orders per second", rates);
  const rows = contenders.flatMap(({ mode, costs }) =>
    costs.map(({ ordersPerSecond, cost, interval }) => ({
      ...{ mode, rate: ordersPerSecond, cost, low: interval.low, high: interval.high },
    })),
  );
  const y = logUp(
    "cost",
    "CPU-seconds per 1 000 orders",
    rows.flatMap(({ low, high }) => [low, high]),
    HEIGHT_PIXELS,
  );
  const ends = contenders.flatMap(({ mode, costs, capacity, failsAt }) => {
    const cost = costs.at(-1)?.cost;
    const end = Number.isFinite(failsAt) ? failsAt : capacity;
    return cost === undefined ? [] : [{ mode, rate: capacity, end, cost }];
  });
  return {
    width: WIDTH_PIXELS,
    height: HEIGHT_PIXELS,
    data: { values: rows },
    layer: [
      {
        mark: { type: "area", opacity: 0.16, line: false },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: lines.color },
      },
      { mark: { type: "line" }, encoding: { x, y, ...lines } },
      {
        mark: { type: "point", filled: true, size: 46, opacity: 1 },
        encoding: { x, y, color: lines.color, shape },
      },
      {
        data: { values: ends },
        mark: { type: "rule", strokeWidth: 7, opacity: 0.45 },
        encoding: { x, x2: { field: "end" }, y, color: lines.color },
      },
      {
        data: { values: ends },
        mark: { type: "tick", orient: "vertical", size: 24, thickness: 3 },
        encoding: { x: { ...x, field: "end" }, y, color: lines.color },
      },
    ],
  };
};

const stripView = (
  segments: readonly Segment[],
  contenders: readonly Contender[],
  rates: readonly number[],
) => {
  const { color } = modeChannels(contenders.map(({ mode }) => mode));
  const x = logAcross("from", "cheapest that meets the objective", rates);
  const [left = 1, right = 1] = x.scale.domain;
  const pixels = ({ from, to }: Segment): number =>
    (Math.log(to / from) / Math.log(right / left)) * WIDTH_PIXELS;
  const nobody = isOpen(contenders) ? "not measured" : "none";
  const rows = segments.map((segment) => {
    const text = segment.modes.join(" ≈ ") || nobody;
    return {
      from: segment.from,
      to: segment.to,
      middle: Math.sqrt(segment.from * segment.to),
      mode: segment.modes[0] ?? "none",
      sure: segment.modes.length === 1 ? "alone" : segment.modes.length === 0 ? "none" : "equal",
      text: pixels(segment) < text.length * PIXELS_PER_CHARACTER ? "" : text,
    };
  });
  return {
    width: WIDTH_PIXELS,
    height: STRIP_PIXELS,
    data: { values: rows },
    layer: [
      {
        mark: { type: "rect", stroke: "var(--surface)", strokeWidth: 2, cornerRadius: 3 },
        encoding: {
          x: { ...x, axis: { ...x.axis, labels: false, ticks: false, domain: false } },
          x2: { field: "to" },
          color: {
            ...color,
            legend: null,
            condition: { test: "datum.sure !== 'alone'", value: "var(--grid)" },
          },
        },
      },
      {
        mark: { type: "text", fontWeight: 600 },
        encoding: {
          x: { field: "middle", type: "quantitative" },
          text: { field: "text" },
          color: {
            condition: { test: "datum.sure === 'alone'", value: "var(--surface)" },
            value: "var(--ink)",
          },
        },
      },
    ],
  };
};
