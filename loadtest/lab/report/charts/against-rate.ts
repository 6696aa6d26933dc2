/** The hockey sticks: a percentile against the rate, until it bends. */

import { judge, OBJECTIVES } from "../../judge/objectives.ts";
import { medianOf } from "../../judge/statistics.ts";
import type { Percentiles, Run, Suite } from "../../run/results.ts";
import { isValid, ordersPerSecond, runsOf, variantOf } from "../figures.ts";
import { msText, numberText } from "../numbers.ts";
import type { Chart, Picture } from "../picture.ts";
import { boundLine, inOrder, logAcross, logUp, modeChannels, modeName, WIDTH_PIXELS } from "./marks.ts";

type Row = {
  readonly mode: string;
  readonly rate: number;
  readonly p99: number;
  /** Whether SLO-I held in every run at this rate. */
  readonly held: boolean;
};

const HEIGHT_PIXELS = 340;

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
      return rows.length === 0 ? [] : [pictureOf(what, size, rows)];
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

const pictureOf = (what: What, size: number, rows: readonly Row[]): Picture => {
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
    chart: chartOf(what, rows, modes),
  };
};

const chartOf = (what: What, rows: readonly Row[], modes: readonly string[]): Chart => {
  const { shape, ...lines } = modeChannels(modes);
  const rates = rows.map(({ rate }) => rate);
  const x = logAcross("rate", "orders per second", rates);
  const y = logUp("p99", `${what.name} p99, ms`, [...rows.map(({ p99 }) => p99), what.bound], HEIGHT_PIXELS);
  const points = { type: "point", size: 62, strokeWidth: 2, strokeDash: [1, 0], opacity: 1 };
  const ofPoints = { x, y, color: lines.color, shape };
  return {
    width: WIDTH_PIXELS,
    height: HEIGHT_PIXELS,
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
