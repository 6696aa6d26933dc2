/** Compares two sets of results: the ratio of the second to the first, and how certain it is. */
import { tableOf } from "../../../dev/markdown.ts";
import { OBJECTIVE_NAMES, OBJECTIVES } from "../judge/objectives.ts";
import { medianOf, ratioOf } from "../judge/statistics.ts";
import { readSuite } from "../run/result-files.ts";
import type { Run, Suite } from "../run/results.ts";
import { boundsOf, capacitiesOf, isValid, timesOf, variantOf } from "./figures.ts";
import { numberText, timesText } from "./numbers.ts";
import { COST, LATENCY } from "./run-tables.ts";

type Comparison = {
  readonly figure: string;
  /** Where it was measured: "E2 v2, 1 per request". */
  readonly at: string;
  readonly first: string;
  readonly second: string;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** "min..max of 3", "bounds of the search". */
  readonly by: string;
  readonly is: "better" | "worse" | "no difference shown";
};

/**
 * Of each side. By chance alone, all values of one side are above all of the other in 2 of 70 cases with four values
 * each, and in 2 of 20 with three: fewer than four show nothing (exact test of Mann and Whitney).
 */
const FEWEST_REPETITIONS = 4;

/** The folders of two suites, as a Markdown table. */
export const compareSuites = (first: string, second: string): string =>
  textOf(compare(readSuite(first), readSuite(second)));

/** Whatever both suites have: capacities, and figures of valid runs at the same point. */
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
      const at = textOfPoint(`${experiment} ${mode}`, `${ordersPerRequest} per request`, variant);
      return OBJECTIVE_NAMES.flatMap((name): Comparison[] => {
        const [a, b] = [boundsOf(capacity, name), boundsOf(other, name)];
        if (a.low === 0 || b.low === 0) return [];
        const times = timesOf(b, a);
        const figure = `capacity at ${OBJECTIVES[name].label}, orders/s`;
        const is = verdictOf(times, "better");
        const values = { first: numberText(a.low), second: numberText(b.low), ...times };
        return [{ figure, at, ...values, by: "bounds of the search", is }];
      });
    });
  });
};

const comparePoints = (first: Suite, second: Suite): Comparison[] => {
  const others = pointsOf(second);
  return [...pointsOf(first)].flatMap(([at, runs]) =>
    [...LATENCY, ...COST].flatMap(({ head, of, text }): Comparison[] => {
      const [a, b] = [runs, others.get(at) ?? []].map((group) => group.flatMap((run) => of(run) ?? []));
      if (!a?.length || !b?.length || medianOf(a) === 0) return [];
      const { ratio, interval } = ratioOf(b, a);
      const { low, high, by, count } = interval;
      const is = count >= FEWEST_REPETITIONS ? verdictOf(interval, "worse") : "no difference shown";
      const values = { first: text(medianOf(a)), second: text(medianOf(b)), ratio, low, high };
      return [{ figure: head, at, ...values, by: `${by} of ${count}`, is }];
    }),
  );
};

const textOfPoint = (...parts: readonly string[]): string => parts.filter(Boolean).join(", ");

/** Valid runs by their load and variant. */
const pointsOf = ({ runs }: Suite): Map<string, Run[]> =>
  Map.groupBy(runs.map(({ run }) => run).filter(isValid), (run) => {
    const { requestsPerSecond, ordersPerRequest } = run.load;
    const load = `${numberText(requestsPerSecond)} requests/s of ${ordersPerRequest}`;
    return textOfPoint(`${run.experiment} ${run.mode}`, load, variantOf(run));
  });

/** Decided only when the whole range of the ratio is on one side of 1. `more` is the verdict on a higher figure. */
const verdictOf = (
  { low, high }: { readonly low: number; readonly high: number },
  more: "better" | "worse",
): Comparison["is"] => {
  if (low <= 1 && high >= 1) return "no difference shown";
  return low > 1 === (more === "better") ? "better" : "worse";
};

const textOf = (comparisons: readonly Comparison[]): string => {
  const rows = comparisons.map(({ at, figure, first, second, ratio, low, high, by, is }) => [
    ...[at, figure, first, second, timesText(ratio)],
    ...[`${timesText(low)}–${timesText(high)} (${by})`, is],
  ]);
  const counts = (["better", "worse", "no difference shown"] as const).map(
    (each) => `${comparisons.filter(({ is }) => is === each).length} ${each}`,
  );
  const head = ["at", "figure", "first", "second", "ratio", "between", "second is"];
  return `${tableOf(head, rows)}\n\n${counts.join(", ")}.\n`;
};
