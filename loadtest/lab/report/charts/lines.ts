/** The hockey sticks: a percentile against the rate, until it bends. */
import { judge, OBJECTIVES } from "../../judge/objectives.ts";
import { type Interval, intervalOf, medianOf } from "../../judge/statistics.ts";
import { MODE_NAMES } from "../../run/arrangements.ts";
import type { Percentiles, Run, Suite } from "../../run/results.ts";
import { capacitiesOf, cpuPerThousand, isValid, ordersPerSecond, runsOf, variantOf } from "../figures.ts";
import { msText, numberText, percentText } from "../numbers.ts";
import type { Chart, Picture } from "../picture.ts";
import {
  boundLine,
  inOrder,
  linearAxis,
  logAcross,
  logUp,
  modeChannels,
  modeName,
  WIDTH_PIXELS,
} from "./marks.ts";

type Row = {
  readonly mode: string;
  readonly rate: number;
  readonly p99: number;
  /** Whether SLO-I held in every run at this rate. */
  readonly held: boolean;
};

const RATE_HEIGHT_PIXELS = 340;

type What = {
  readonly id: string;
  readonly name: string;
  readonly bound: number;
  of(run: Run): Percentiles | null;
};

const ACK: What = {
  id: "ack",
  name: "reply time",
  bound: OBJECTIVES.interactive.ackP99Ms,
  of: ({ ackMs }) => ackMs,
};
const FRESHNESS: What = {
  id: "freshness",
  name: "freshness",
  bound: OBJECTIVES.interactive.freshnessP99Ms,
  of: ({ freshnessMs }) => freshnessMs,
};

/** One for each size of request that was searched. */
export const againstRate = (suite: Suite): Picture[] => {
  const runs = runsOf(suite, "E0", "E2").filter(
    // a closed loop has no rate that anybody planned
    (run) => isValid(run) && run.load.profile === "constant" && variantOf(run) === "",
  );
  const sizes = [...new Set(runs.map(({ load }) => load.ordersPerRequest))].sort((a, b) => a - b);
  return sizes.flatMap((size) =>
    [ACK, FRESHNESS].flatMap((what) => {
      const rows = rowsOf(
        runs.filter(({ load }) => load.ordersPerRequest === size),
        what,
      );
      return rows.length === 0 ? [] : [ratePicture(what, size, rows)];
    }),
  );
};

const rowsOf = (runs: readonly Run[], what: What): Row[] =>
  [...Map.groupBy(runs, (run) => `${run.mode} ${ordersPerSecond(run)}`).values()].flatMap((group): Row[] => {
    const values = group.flatMap((run) => {
      const percentiles = what.of(run);
      return percentiles && percentiles.count > 0 ? [percentiles.p99] : [];
    });
    if (!group[0] || values.length === 0) return [];
    const held = group.every((run) => judge(run, "interactive").holds);
    return [{ mode: group[0].mode, rate: ordersPerSecond(group[0]), p99: medianOf(values), held }];
  });

const ratePicture = (what: What, size: number, rows: readonly Row[]): Picture => {
  const modes = inOrder(rows.map(({ mode }) => mode));
  const orders = size === 1 ? "single orders" : `${size} orders per request`;
  const ends = modes.map((mode) => {
    const held = rows.filter((row) => row.mode === mode && row.held).sort((a, b) => b.rate - a.rate)[0];
    return held
      ? `${modeName(mode)}: ${msText(held.p99)} at ${numberText(held.rate)} orders/s, the last that held`
      : `${modeName(mode)}: held nowhere`;
  });
  return {
    id: `${what.id}-${size}`,
    title: `Where ${what.name} bends: ${orders}`,
    reading: "Filled: SLO-I held in every run at this rate; hollow: it did not. Medians of valid runs.",
    description: `99th percentile of ${what.name} against the rate. ${ends.join("; ")}.`,
    chart: rateChart(what, rows, modes),
  };
};

const rateChart = (what: What, rows: readonly Row[], modes: readonly string[]): Chart => {
  const { shape, ...lines } = modeChannels(modes);
  const rates = rows.map(({ rate }) => rate);
  const x = logAcross("rate", "orders per second", rates);
  const y = logUp(
    "p99",
    `${what.name} p99, ms`,
    [...rows.map(({ p99 }) => p99), what.bound],
    RATE_HEIGHT_PIXELS,
  );
  const points = { type: "point", size: 62, strokeWidth: 2, strokeDash: [1, 0], opacity: 1 };
  const ofPoints = { x, y, color: lines.color, shape };
  return {
    width: WIDTH_PIXELS,
    height: RATE_HEIGHT_PIXELS,
    data: { values: [...rows].sort((a, b) => a.rate - b.rate) },
    layer: [
      { mark: { type: "line" }, encoding: { x, y, ...lines } },
      {
        transform: [{ filter: "!datum.held" }],
        mark: { ...points, fill: "var(--surface)", filled: false },
        encoding: ofPoints,
      },
      {
        transform: [{ filter: "datum.held" }],
        mark: { ...points, filled: true },
        encoding: ofPoints,
      },
      ...boundLine(what.bound, `SLO-I: ${msText(what.bound)}`),
    ],
  };
};

/** What orders cost, against how much of its capacity a mode is given. */

export type CostAtShare = {
  readonly mode: string;
  readonly ordersPerRequest: number;
  /** Of capacity. */
  readonly share: number;
  readonly cost: number;
  readonly interval: Interval;
};

const COST_HEIGHT_PIXELS = 320;

/** Valid runs of E12 and, since what those found need not be done again, of E2: by rising share of capacity. */
export const costsAtShares = (suite: Suite): CostAtShare[] => {
  const capacities = new Map(
    capacitiesOf(suite, "E2")
      .filter(({ variant }) => variant === "")
      .map(({ mode, ordersPerRequest, found }) => [
        `${mode} ${ordersPerRequest}`,
        found.interactive.rate * ordersPerRequest,
      ]),
  );
  const shareOf = (run: Run): number | null => {
    if (run.varied["share"] !== undefined) return Number(run.varied["share"]);
    const capacity = capacities.get(`${run.mode} ${run.load.ordersPerRequest}`);
    const isOne = run.experiment === "E2" && variantOf(run) === "" && run.varied["purpose"] !== "peak";
    if (!isOne || !capacity || !MODE_NAMES.includes(run.mode)) return null;
    const share = Number((ordersPerSecond(run) / capacity).toFixed(2));
    return share <= 1 ? share : null;
  };
  const output = runsOf(suite, "E2", "E12")
    .filter(isValid)
    .flatMap((run) => {
      const share = shareOf(run);
      return share === null ? [] : [{ run, share }];
    });
  const groups = Map.groupBy(output, ({ run, share }) => `${run.mode} ${run.load.ordersPerRequest} ${share}`);
  return [...groups.values()]
    .flatMap((group): CostAtShare[] => {
      const costs = group.flatMap(({ run }) => cpuPerThousand(run) ?? []);
      const [first] = group;
      if (!first || costs.length === 0) return [];
      const { mode, load } = first.run;
      const at = { mode, ordersPerRequest: load.ordersPerRequest, share: first.share };
      return [{ ...at, cost: medianOf(costs), interval: intervalOf(costs) }];
    })
    .sort((a, b) => a.share - b.share);
};

export const costs = (suite: Suite): Picture[] => {
  const all = runsOf(suite, "E12").length === 0 ? [] : costsAtShares(suite);
  const sizes = [...new Set(all.map(({ ordersPerRequest }) => ordersPerRequest))].sort((a, b) => a - b);
  return sizes.map((size) =>
    costPicture(
      size,
      all.filter(({ ordersPerRequest }) => ordersPerRequest === size),
    ),
  );
};

const costPicture = (size: number, rows: readonly CostAtShare[]): Picture => {
  const modes = inOrder(rows.map(({ mode }) => mode));
  const said = modes.map((mode) => {
    const own = rows.filter((row) => row.mode === mode);
    const [first, last] = [own[0], own.at(-1)];
    return `${modeName(mode)}: ${numberText(first?.cost ?? 0)} CPU-seconds at ${percentText(first?.share ?? 0)}, ${numberText(last?.cost ?? 0)} at ${percentText(last?.share ?? 0)}`;
  });
  const { shape, ...lines } = modeChannels(modes);
  const values = rows.map(({ mode, share, cost, interval }) => ({
    ...{ mode, share: share * 100, cost, low: interval.low, high: interval.high },
  }));
  const x = linearAxis("share", "share of the mode's own capacity, %");
  const inSight = values.flatMap(({ low, high }) => [low, high]);
  const y = logUp("cost", "CPU-seconds per 1 000 orders", inSight, COST_HEIGHT_PIXELS);
  return {
    id: `cost-${size}`,
    title: `What a thousand orders cost: ${size === 1 ? "single orders" : `${size} orders per request`}`,
    reading:
      "CPU of all processes but the generator's. Bars: intervals of repeated runs, where there were any.",
    description: `CPU-seconds for a thousand orders against the share of capacity. ${said.join("; ")}.`,
    chart: {
      width: WIDTH_PIXELS,
      height: COST_HEIGHT_PIXELS,
      data: { values },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 1.5, opacity: 0.7 },
          encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: lines.color },
        },
        { mark: { type: "line" }, encoding: { x, y, ...lines } },
        {
          mark: { type: "point", filled: true, size: 62, opacity: 1 },
          encoding: { x, y, color: lines.color, shape },
        },
      ],
    },
  };
};
