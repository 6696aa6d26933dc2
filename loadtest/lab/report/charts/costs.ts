/** What orders cost, against how much of its capacity a mode is given. */

import { type Interval, intervalOf, medianOf } from "../../judge/statistics.ts";
import type { Run, Suite } from "../../run/results.ts";
import { MODES } from "../crossover.ts";
import { capacitiesOf, cpuPerThousand, isValid, ordersPerSecond, runsOf, variantOf } from "../figures.ts";
import { numberText, percentText } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import { inOrder, linearAxis, logUp, modeChannels, modeName, WIDTH_PIXELS } from "./marks.ts";

export type CostAtShare = {
  readonly mode: string;
  readonly ordersPerRequest: number;
  /** Of capacity. */
  readonly share: number;
  readonly cost: number;
  readonly interval: Interval;
};

const HEIGHT_PIXELS = 320;

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
    if (!isOne || !capacity || !MODES.some((mode) => mode === run.mode)) return null;
    const share = Number((ordersPerSecond(run) / capacity).toFixed(2));
    return share <= 1 ? share : null;
  };
  const told = runsOf(suite, "E2", "E12")
    .filter(isValid)
    .flatMap((run) => {
      const share = shareOf(run);
      return share === null ? [] : [{ run, share }];
    });
  const groups = Map.groupBy(told, ({ run, share }) => `${run.mode} ${run.load.ordersPerRequest} ${share}`);
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
    pictureOf(
      size,
      all.filter(({ ordersPerRequest }) => ordersPerRequest === size),
    ),
  );
};

const pictureOf = (size: number, rows: readonly CostAtShare[]): Picture => {
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
  const y = logUp("cost", "CPU-seconds per 1 000 orders", inSight, HEIGHT_PIXELS);
  return {
    id: `cost-${size}`,
    title: `What a thousand orders cost: ${size === 1 ? "single orders" : `${size} orders per request`}`,
    reading:
      "CPU of all processes but the generator's. Bars: intervals of repeated runs, where there were any.",
    description: `CPU-seconds for a thousand orders against the share of capacity. ${said.join("; ")}.`,
    chart: {
      width: WIDTH_PIXELS,
      height: HEIGHT_PIXELS,
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
