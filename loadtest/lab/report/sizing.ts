/** What each piece took at half of each mode's capacity, and how much of it that rate wants: for docs/sizing.md. */

import { medianOf } from "../judge/statistics.ts";
import { GENERATORS, type Suite } from "../run/results.ts";
import { modeName } from "./charts/marks.ts";
import { MODES } from "./crossover.ts";
import { atHalfOf, capacitiesOf, cpuPerThousandBy, type ModeCapacity, ordersPerSecond } from "./figures.ts";
import { mebibytesText, numberText } from "./numbers.ts";
import { environmentText, markdownOf } from "./scale.ts";

/** The name of its marks. */
export const SIZING = "sizing";

/** Of the one core that a process can use; the rest is for peaks of seconds. */
const FULL_AT_CORES = 0.7;

const HEAD = [
  "mode",
  "orders per request",
  "carries, orders/s",
  "measured at, orders/s",
  "piece",
  "CPU-seconds per 1 000 orders",
  "memory",
  "cores at that rate",
  "processes",
];

export const sizingOf = (suite: Suite): string => {
  const rows = capacitiesOf(suite, "E2")
    .filter(({ mode, variant }) => variant === "" && MODES.some((each) => each === mode))
    .flatMap((capacity) => rowsOf(suite, capacity));
  if (rows.length === 0) return "No results yet.";
  return [
    markdownOf({ head: HEAD, rows }),
    `Medians of the runs nearest to half of what each mode carries. A process is taken to be full at ${FULL_AT_CORES} cores. ${environmentText(suite.env)}`,
  ].join("\n\n");
};

const rowsOf = (suite: Suite, capacity: ModeCapacity): string[][] => {
  const { mode, ordersPerRequest, found } = capacity;
  const runs = atHalfOf(suite, capacity);
  if (!runs[0]) return [];
  const rate = ordersPerSecond(runs[0]);
  const pieces = Object.keys(runs[0].resources).filter((name) => !GENERATORS.has(name));
  return pieces.flatMap((piece) => {
    const costs = runs.flatMap((run) => cpuPerThousandBy(run, piece) ?? []);
    if (costs.length === 0) return [];
    const cost = medianOf(costs);
    // an order costs less the more of them come, so no other rate is reckoned from this one
    const cores = (cost * rate) / 1_000;
    const cells = [
      modeName(mode),
      String(ordersPerRequest),
      numberText(found.interactive.rate * ordersPerRequest),
      numberText(rate),
      piece,
      numberText(cost),
      mebibytesText(medianOf(runs.flatMap((run) => run.resources[piece]?.peakRssBytes ?? []))),
      numberText(cores),
      processesOf(piece, cores),
    ];
    return [cells];
  });
};

/** v1 counts in one place, and a server is made larger rather than more. */
const processesOf = (piece: string, cores: number): string =>
  /^(order-api|worker-v[23])$/.test(piece) ? String(Math.ceil(cores / FULL_AT_CORES)) : "1";
