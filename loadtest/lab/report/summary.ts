/** The answer in a few lines, for the README: what each mode carries, how late it is, what it costs, and the picture. */

import type { Suite } from "../run/results.ts";
import { crossoverSentence } from "./charts/crossover.ts";
import { modeName } from "./charts/marks.ts";
import { crossoverOf, MODES } from "./crossover.ts";
import { capacitiesOf, halfOf, type ModeCapacity } from "./figures.ts";
import { msText, numberText } from "./numbers.ts";
import { machineText } from "./picture.ts";
import { markdownOf, type Pictured } from "./scale.ts";

/** The name of its marks. */
export const SHORT = "how-far";

const NONE = "–";
const [SINGLE, BATCH] = [1, 10];
const HEAD = [
  "mode",
  "single orders a second",
  "by ten a request",
  "reply p99, at half of it",
  "on a dashboard, p99",
  "CPU-seconds per 1 000",
];

export const shortOf = (suite: Suite, { pictures, pathOf }: Pictured): string => {
  const capacities = capacitiesOf(suite, "E2").filter(({ variant }) => variant === "");
  const rows = MODES.flatMap((mode) => rowOf(suite, mode, capacities));
  if (rows.length === 0) return "No results yet.";
  const crossover = pictures.find(({ id }) => id === `crossover-${SINGLE}`);
  return [
    markdownOf({ head: HEAD, rows }),
    `Cheapest while meeting the objective, single orders: ${crossoverSentence(crossoverOf(suite, SINGLE, "interactive"))}. ${machineText(suite.env)} ${capitalized(suite.env.pinning)}.`,
    ...(crossover ? [`![${crossover.title}](${pathOf(crossover)})`] : []),
  ].join("\n\n");
};

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const rowOf = (suite: Suite, mode: string, capacities: readonly ModeCapacity[]): string[][] => {
  const sized = (size: number): ModeCapacity | undefined =>
    capacities.find((each) => each.mode === mode && each.ordersPerRequest === size);
  const [single, batch] = [sized(SINGLE), sized(BATCH)];
  const half = single ? halfOf(suite, single) : null;
  if (!single && !batch) return [];
  return [
    [
      modeName(mode),
      carriedText(single),
      carriedText(batch),
      half ? msText(half.ackP99) : NONE,
      half?.freshnessP99 ? msText(half.freshnessP99) : NONE,
      half?.cpuPerThousand ? numberText(half.cpuPerThousand) : NONE,
    ],
  ];
};

/** "≥" where the generator was the limit. */
const carriedText = (capacity: ModeCapacity | undefined): string => {
  if (!capacity) return NONE;
  const { rate, limit } = capacity.found.interactive;
  return `${limit ? "≥ " : ""}${numberText(rate * capacity.ordersPerRequest)}`;
};
