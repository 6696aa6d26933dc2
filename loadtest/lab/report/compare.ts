/** Two sets of results beside each other: the second by the first, with how sure that is. */
import { tableOf } from "../../../dev/markdown.ts";
import { OBJECTIVE_NAMES, OBJECTIVES } from "../judge/objectives.ts";
import { medianOf, ratioOf } from "../judge/statistics.ts";
import { readSuite } from "../run/result-files.ts";
import type { Run, Suite } from "../run/results.ts";
import {
  boundsOf,
  capacitiesOf,
  cpuPerThousand,
  isValid,
  memoryBytes,
  timesOf,
  variantOf,
} from "./figures.ts";
import { numberText, timesText } from "./numbers.ts";

export type Comparison = {
  readonly figure: string;
  /** Where it was measured: "E2 v2, 1 per request". */
  readonly at: string;
  readonly first: number;
  readonly second: number;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** "min..max of 3", "bounds of the search". */
  readonly by: string;
  readonly is: "better" | "worse" | "no difference shown";
};

type Direction = "more is better" | "less is better";

type Figure = { readonly name: string; of(run: Run): number | null };

const FIGURES: readonly Figure[] = [
  { name: "ack p50, ms", of: ({ ackMs }) => ackMs.p50 },
  { name: "ack p99, ms", of: ({ ackMs }) => ackMs.p99 },
  { name: "freshness p50, ms", of: ({ freshnessMs }) => freshnessMs?.p50 ?? null },
  { name: "freshness p99, ms", of: ({ freshnessMs }) => freshnessMs?.p99 ?? null },
  { name: "CPU-seconds per 1 000 orders", of: cpuPerThousand },
  { name: "memory, bytes", of: memoryBytes },
];

/**
 * Of each side. By chance alone all values of one side lie above all of the other in two cases of 70 where each has four,
 * in two of 20 where each has three: fewer than four show nothing (the exact test of Mann and Whitney).
 */
const FEWEST_REPETITIONS = 4;

export const compareSuites = (
  firstFolder: string,
  secondFolder: string,
): { readonly comparisons: readonly Comparison[]; readonly text: string } => {
  const comparisons = compare(readSuite(firstFolder), readSuite(secondFolder));
  return { comparisons, text: textOf(comparisons) };
};

/** Of whatever both have: capacities, and figures of valid runs at the same point. */
export const compare = (first: Suite, second: Suite): Comparison[] => [
  ...compareCapacities(first, second),
  ...comparePoints(first, second),
];

const compareCapacities = (first: Suite, second: Suite): Comparison[] => {
  const experiments = [...new Set(first.runs.map(({ run }) => run.experiment))];
  return experiments.flatMap((experiment) => {
    const others = capacitiesOf(second, experiment);
    return capacitiesOf(first, experiment).flatMap((capacity) => {
      const { mode, ordersPerRequest, variant } = capacity;
      const other = others.find(
        (each) =>
          each.mode === mode && each.ordersPerRequest === ordersPerRequest && each.variant === variant,
      );
      if (!other) return [];
      const at = [`${experiment} ${mode}`, `${ordersPerRequest} per request`, variant]
        .filter(Boolean)
        .join(", ");
      return OBJECTIVE_NAMES.flatMap((name): Comparison[] => {
        const [a, b] = [boundsOf(capacity, name), boundsOf(other, name)];
        if (a.low === 0 || b.low === 0) return [];
        const { low, ratio, high } = timesOf(b, a);
        const figure = `capacity at ${OBJECTIVES[name].label}, orders/s`;
        const is = verdictOf(low, high, "more is better");
        return [
          { figure, at, first: a.low, second: b.low, ratio, low, high, by: "bounds of the search", is },
        ];
      });
    });
  });
};

const comparePoints = (first: Suite, second: Suite): Comparison[] => {
  const others = pointsOf(second);
  return [...pointsOf(first)].flatMap(([at, runs]) =>
    FIGURES.flatMap(({ name, of }): Comparison[] => {
      const [a, b] = [runs, others.get(at) ?? []].map((group) => group.flatMap((run) => of(run) ?? []));
      if (!a?.length || !b?.length || medianOf(a) === 0) return [];
      const { ratio, interval } = ratioOf(b, a);
      const { low, high, by, count } = interval;
      const isShown = count >= FEWEST_REPETITIONS;
      return [
        {
          ...{ figure: name, at, first: medianOf(a), second: medianOf(b), ratio, low, high },
          by: `${by} of ${count}`,
          is: isShown ? verdictOf(low, high, "less is better") : "no difference shown",
        },
      ];
    }),
  );
};

/** Valid runs by what they were given. */
const pointsOf = ({ runs }: Suite): Map<string, Run[]> =>
  Map.groupBy(runs.map(({ run }) => run).filter(isValid), (run) =>
    [
      `${run.experiment} ${run.mode}`,
      `${numberText(run.load.requestsPerSecond)} requests/s of ${run.load.ordersPerRequest}`,
      variantOf(run),
    ]
      .filter(Boolean)
      .join(", "),
  );

/** Only when all that the ratio may be lies on one side of 1. */
const verdictOf = (low: number, high: number, direction: Direction): Comparison["is"] => {
  if (low <= 1 && high >= 1) return "no difference shown";
  return low > 1 === (direction === "more is better") ? "better" : "worse";
};

const textOf = (comparisons: readonly Comparison[]): string => {
  const rows = comparisons.map(({ at, figure, first, second, ratio, low, high, by, is }) => [
    ...[at, figure, numberText(first), numberText(second), timesText(ratio)],
    ...[`${timesText(low)}–${timesText(high)} (${by})`, is],
  ]);
  const counts = (["better", "worse", "no difference shown"] as const).map(
    (each) => `${comparisons.filter(({ is }) => is === each).length} ${each}`,
  );
  const head = ["at", "figure", "first", "second", "ratio", "between", "second is"];
  return `${tableOf(head, rows)}\n\n${counts.join(", ")}.\n`;
};
