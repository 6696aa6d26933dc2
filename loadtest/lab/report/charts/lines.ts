/** Percentiles against the rate, and costs against the share of capacity. */
import { judge, OBJECTIVES } from "../../judge/objectives.ts";
import { medianOf } from "../../judge/statistics.ts";
import type { Percentiles, Run, Suite } from "../../run/results.ts";
import { type CostAtShare, costsAtShares } from "../costs.ts";
import { isValid, ordersPerSecond, runsOf, sizesOf, variantOf } from "../figures.ts";
import { msText, numberText, percentText, sizeText } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import {
  boundLine,
  inOrder,
  linearAxis,
  lineLayer,
  logAxis,
  markerLayer,
  modeChannels,
  modeName,
  WIDTH_PIXELS,
} from "./marks.ts";

type Figure = {
  readonly id: string;
  readonly name: string;
  readonly bound: number;
  of(run: Run): Percentiles | null;
};

const { ackP99Ms, freshnessP99Ms } = OBJECTIVES.interactive;
const FIGURES: readonly Figure[] = [
  { id: "ack", name: "reply time", bound: ackP99Ms, of: ({ ackMs }) => ackMs },
  { id: "freshness", name: "freshness", bound: freshnessP99Ms, of: ({ freshnessMs }) => freshnessMs },
];

/** A picture of each figure for each size of request that was searched. */
export const againstRate = (suite: Suite): Picture[] => {
  const runs = runsOf(suite, "E0", "E2").filter(
    // a closed loop has no planned rate
    (run) => isValid(run) && run.load.profile === "constant" && variantOf(run) === "",
  );
  return sizesOf(runs.map(({ load }) => load)).flatMap((size) => {
    const own = runs.filter(({ load }) => load.ordersPerRequest === size);
    return FIGURES.flatMap((figure) => {
      const rows = rowsOf(own, figure);
      return rows.length === 0 ? [] : [ratePicture(figure, size, rows)];
    });
  });
};

type Row = {
  readonly mode: string;
  readonly rate: number;
  readonly p99: number;
  /** Whether SLO-I held in every run at this rate. */
  readonly held: boolean;
};

const rowsOf = (runs: readonly Run[], { of }: Figure): Row[] =>
  [...Map.groupBy(runs, (run) => `${run.mode} ${ordersPerSecond(run)}`).values()]
    .flatMap((group): Row[] => {
      const p99s = group.flatMap((run) => (of(run)?.count ? [of(run)?.p99 ?? 0] : []));
      if (!group[0] || p99s.length === 0) return [];
      const held = group.every((run) => judge(run, "interactive").holds);
      return [{ mode: group[0].mode, rate: ordersPerSecond(group[0]), p99: medianOf(p99s), held }];
    })
    .sort((a, b) => a.rate - b.rate);

const RATE_HEIGHT_PIXELS = 340;

const ratePicture = ({ id, name, bound }: Figure, size: number, rows: readonly Row[]): Picture => {
  const modes = inOrder(rows.map(({ mode }) => mode));
  const ends = modes.map((mode) => {
    const last = rows.findLast((row) => row.mode === mode && row.held);
    return last
      ? `${modeName(mode)}: ${msText(last.p99)} at ${numberText(last.rate)} orders/s, the highest rate that held`
      : `${modeName(mode)}: held at no rate`;
  });
  const channels = modeChannels(modes);
  const rates = rows.map(({ rate }) => rate);
  const x = logAxis("rate", "orders per second", rates);
  const values = [...rows.map(({ p99 }) => p99), bound];
  const y = logAxis("p99", `${name} p99, ms`, values, RATE_HEIGHT_PIXELS);
  return {
    id: `${id}-${size}`,
    title: `${name === "freshness" ? "Freshness" : "Reply time"} against the rate: ${sizeText(size)}`,
    reading: "Filled: SLO-I held in every run at this rate. Hollow: it did not. Medians of valid runs.",
    description: `99th percentile of ${name} against the rate. ${ends.join("; ")}.`,
    chart: {
      width: WIDTH_PIXELS,
      height: RATE_HEIGHT_PIXELS,
      data: { values: rows },
      layer: [
        lineLayer(x, y, channels),
        markerLayer(x, y, channels, { filter: "!datum.held", isHollow: true }),
        markerLayer(x, y, channels, { filter: "datum.held" }),
        ...boundLine(bound, `SLO-I: ${msText(bound)}`),
      ],
    },
  };
};

const COST_HEIGHT_PIXELS = 320;

export const costs = (suite: Suite): Picture[] => {
  const all = runsOf(suite, "E12").length === 0 ? [] : costsAtShares(suite);
  return sizesOf(all).map((size) =>
    costPicture(
      size,
      all.filter(({ ordersPerRequest }) => ordersPerRequest === size),
    ),
  );
};

const costPicture = (size: number, costs: readonly CostAtShare[]): Picture => {
  const modes = inOrder(costs.map(({ mode }) => mode));
  const ends = modes.map((mode) => {
    const own = costs.filter((each) => each.mode === mode);
    const both = own.length < 2 ? own : [own[0], own.at(-1)];
    const texts = both.map((each) => `${numberText(each?.cost ?? 0)} at ${percentText(each?.share ?? 0)}`);
    return `${modeName(mode)}: ${texts.join(", ")}`;
  });
  const values = costs.map(({ mode, share, cost, interval: { low, high } }) => ({
    ...{ mode, share: share * 100, cost, low, high },
  }));
  const channels = modeChannels(modes);
  const x = linearAxis("share", "share of the mode's own capacity, %");
  const visible = values.flatMap(({ low, high }) => [low, high]);
  const y = logAxis("cost", "CPU-seconds per 1 000 orders", visible, COST_HEIGHT_PIXELS);
  return {
    id: `cost-${size}`,
    title: `CPU that 1 000 orders cost: ${sizeText(size)}`,
    reading: "All processes except the generator. Bars: intervals of repeated runs.",
    description: `CPU-seconds per 1 000 orders against the share of capacity. ${ends.join("; ")}.`,
    chart: {
      width: WIDTH_PIXELS,
      height: COST_HEIGHT_PIXELS,
      data: { values },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 1.5, opacity: 0.7 },
          encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: channels.color },
        },
        lineLayer(x, y, channels),
        markerLayer(x, y, channels),
      ],
    },
  };
};
