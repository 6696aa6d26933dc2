/** One figure of an experiment: a row for each point, a marker for each run. */
import { judge } from "../../judge/objectives.ts";
import type { Run, Suite } from "../../run/results.ts";
import { cpuPerThousand } from "../costs.ts";
import { isPeak, isSearched, isValid, ordersPerSecond, runsOf } from "../figures.ts";
import { numberText } from "../numbers.ts";
import type { Picture } from "../picture.ts";
import { inOrder, linearAxis, markerLayer, modeChannels, modeName, WIDTH_PIXELS } from "./marks.ts";

type Figure = {
  readonly experiment: string;
  readonly title: string;
  /** With the unit of what `of` returns. */
  readonly axis: string;
  /** Null for a run that is not shown. */
  of(run: Run): number | null;
};

const peakRate = (run: Run): number | null => (isPeak(run) ? ordersPerSecond(run) : null);

const FIGURES: readonly Figure[] = [
  {
    experiment: "E1",
    title: "Freshness at 50 orders/s",
    axis: "freshness p99, ms",
    of: ({ freshnessMs }) => freshnessMs?.p99 ?? null,
  },
  { experiment: "E5", title: "The closed loop on variants of v1", axis: "orders per second", of: peakRate },
  {
    experiment: "E6",
    title: "Orders that v2 did not acknowledge",
    axis: "errors, % of the requests",
    of: ({ errorShare }) => errorShare * 100,
  },
  {
    experiment: "E8",
    title: "Longest time without an acknowledgement after a fault",
    axis: "seconds",
    of: ({ fault }) => fault?.downtimeSeconds ?? null,
  },
  { experiment: "E9", title: "Rates that workers carry", axis: "orders per second", of: ordersPerSecond },
  {
    experiment: "E10",
    title: "CPU that 1 000 orders cost, by waiting time",
    axis: "CPU-seconds per 1 000 orders",
    of: cpuPerThousand,
  },
  { experiment: "E11", title: "The closed loop by size of request", axis: "orders per second", of: peakRate },
];

const ROW_PIXELS = 26;

export const points = (suite: Suite): Picture[] =>
  FIGURES.flatMap(({ experiment, title, axis, of }) => {
    const runs = runsOf(suite, experiment).filter((run) => isValid(run) && !isSearched(run));
    const rows = runs.flatMap((run) => {
      const value = of(run);
      const held = isPeak(run) || judge(run, "interactive").holds;
      return value === null ? [] : [{ mode: run.mode, point: pointText(run), value, held }];
    });
    if (rows.length === 0) return [];
    const names = [...new Set(rows.map(({ point }) => point))].sort((a, b) =>
      a.localeCompare(b, "en", { numeric: true }),
    );
    const modes = inOrder(rows.map(({ mode }) => mode));
    const channels = modeChannels(modes);
    const x = linearAxis("value", axis);
    const y = {
      field: "point",
      type: "nominal",
      sort: names,
      axis: { title: null, grid: true, labelLimit: 400 },
    };
    const values = rows.map(({ point, value }) => `${point}: ${numberText(value)}`);
    return [
      {
        id: `points-${experiment.toLowerCase()}`,
        title,
        reading: "A marker for each run. Filled: it met SLO-I, or is a closed loop. Hollow: it did not.",
        description: `${modes.map(modeName).join(", ")}; ${axis}. ${values.join("; ")}.`,
        chart: {
          width: WIDTH_PIXELS - 200,
          height: { step: ROW_PIXELS },
          data: { values: rows },
          layer: [
            markerLayer(x, y, channels, { filter: "!datum.held", isHollow: true }),
            markerLayer(x, y, channels, { filter: "datum.held" }),
          ],
        },
      },
    ];
  });

/** Without the rate, so that the rates of one point are in one row. */
const pointText = ({ point }: Run): string => point.replace(/( 1-order)?( [\d.]+\/s| peak by wrk)$/, "");
