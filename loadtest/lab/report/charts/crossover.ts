/** The chart that answers the question: which mode is cheapest while meeting the objective, at each rate. */
import { OBJECTIVES } from "../../judge/objectives.ts";
import type { Suite } from "../../run/results.ts";
import { type Crossover, crossoverOf, crossoverSentence, isOpen, type Segment } from "../crossover.ts";
import { modeCapacities, sizesOf } from "../figures.ts";
import { sizeText } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import { lineLayer, logAxis, markerLayer, modeChannels, WIDTH_PIXELS } from "./marks.ts";

const HEIGHT_PIXELS = 330;
const STRIP_PIXELS = 34;
/** A segment with less room than this for each character of its name has no name. */
const PIXELS_PER_CHARACTER = 9;

export const crossovers = (suite: Suite): Picture[] =>
  sizesOf(modeCapacities(suite)).flatMap((size) => {
    const crossover = crossoverOf(suite, size, "interactive");
    if (crossover.contenders.length === 0) return [];
    return [
      {
        id: `crossover-${size}`,
        title: `Which mode is cheapest at each rate: ${sizeText(size)}`,
        reading: `A line ends at the highest rate that meets ${OBJECTIVES.interactive.label}; its bar extends to the first rate that failed. Bands: intervals of repeated runs.`,
        description: `CPU-seconds per 1 000 orders against orders per second. Cheapest: ${crossoverSentence(crossover)}.`,
        chart: {
          spacing: 30,
          resolve: { scale: { color: "shared", x: "independent" } },
          vconcat: [costsView(crossover), stripView(crossover)],
        },
      },
    ];
  });

/** All rates that must be visible. */
const ratesOf = ({ contenders, segments }: Crossover): number[] => [
  ...contenders.flatMap(({ costs, failsAt, capacity }) => [
    costs[0]?.ordersPerSecond ?? capacity,
    capacity,
    Number.isFinite(failsAt) ? failsAt : capacity,
  ]),
  ...segments.map(({ to }) => to),
];

const costsView = (crossover: Crossover) => {
  const { contenders } = crossover;
  const channels = modeChannels(contenders.map(({ mode }) => mode));
  const { color } = channels;
  const rows = contenders.flatMap(({ mode, costs }) =>
    costs.map(({ ordersPerSecond, cost, interval: { low, high } }) => ({
      ...{ mode, rate: ordersPerSecond, cost, low, high },
    })),
  );
  const ends = contenders.map(({ mode, costs, capacity, failsAt }) => {
    const end = Number.isFinite(failsAt) ? failsAt : capacity;
    return { mode, rate: capacity, end, cost: costs.at(-1)?.cost };
  });
  const x = logAxis("rate", "orders per second", ratesOf(crossover));
  const visible = rows.flatMap(({ low, high }) => [low, high]);
  const y = logAxis("cost", "CPU-seconds per 1 000 orders", visible, HEIGHT_PIXELS);
  return {
    width: WIDTH_PIXELS,
    height: HEIGHT_PIXELS,
    data: { values: rows },
    layer: [
      {
        mark: { type: "area", opacity: 0.16, line: false },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
      },
      lineLayer(x, y, channels),
      markerLayer(x, y, channels, { size: 46 }),
      {
        data: { values: ends },
        mark: { type: "rule", strokeWidth: 7, opacity: 0.45 },
        encoding: { x, x2: { field: "end" }, y, color },
      },
      {
        data: { values: ends },
        mark: { type: "tick", orient: "vertical", size: 24, thickness: 3 },
        encoding: { x: { ...x, field: "end" }, y, color },
      },
    ],
  };
};

/** One segment in the colour of its mode; grey where several or no modes are the cheapest. */
const stripView = (crossover: Crossover) => {
  const { contenders, segments } = crossover;
  const { color } = modeChannels(contenders.map(({ mode }) => mode));
  const x = logAxis("from", "cheapest that meets the objective", ratesOf(crossover));
  const [left = 1, right = 1] = x.scale.domain;
  const pixels = ({ from, to }: Segment): number =>
    (Math.log(to / from) / Math.log(right / left)) * WIDTH_PIXELS;
  const rows = segments.map((segment) => {
    const { from, to, modes } = segment;
    const text = modes.join(" ≈ ") || (isOpen(contenders) ? "not measured" : "none");
    return {
      ...{ from, to, middle: Math.sqrt(from * to) },
      mode: modes[0] ?? "none",
      isAlone: modes.length === 1,
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
          color: { ...color, legend: null, condition: { test: "!datum.isAlone", value: "var(--grid)" } },
        },
      },
      {
        mark: { type: "text", fontWeight: 600 },
        encoding: {
          x: { field: "middle", type: "quantitative" },
          text: { field: "text" },
          color: { condition: { test: "datum.isAlone", value: "var(--surface)" }, value: "var(--ink)" },
        },
      },
    ],
  };
};
