/** Verdicts on how far the modes reach. */

import {
  boundsOf,
  capacitiesOf,
  cpuPerThousand,
  isValid,
  reachOf,
  runsOf,
  timesOf,
  variantOf,
} from "../figures.ts";
import { msText, numberText, timesText } from "../numbers.ts";
import { generatorOf, type Run, type Suite } from "../results.ts";
import { medianOf } from "../statistics.ts";
import { crossoverSentence } from "./charts/crossover.ts";
import { crossoverOf, MODES } from "./crossover.ts";
import { allOf, atLeastTimes, either, notMeasured, type Verdict } from "./verdict.ts";

const reach = (runs: readonly Run[], mode: string, ordersPerRequest: number) =>
  reachOf(runs.filter((run) => run.mode === mode && run.load.ordersPerRequest === ordersPerRequest));

const plain = (suite: Suite, ...experiments: readonly string[]): Run[] =>
  runsOf(suite, ...experiments).filter((run) => variantOf(run) === "");

/** How many times one mode carries what another does, both with requests of the sizes given. */
const carries = (
  runs: readonly Run[],
  [mode, size]: readonly [string, number],
  [other, otherSize]: readonly [string, number],
  times: number,
): Verdict => {
  const [own, others] = [reach(runs, mode, size), reach(runs, other, otherSize)];
  if (!own || !others) return notMeasured(`${mode} beside ${other}`);
  const sizes = size === otherSize ? `${size} per request` : `${size} against ${otherSize} per request`;
  const whom = mode === other ? mode : `${mode} to ${other}`;
  if (others.low === 0) {
    const least = own.low / others.high;
    const because = `${whom}, ${sizes}: at least ${timesText(least)}, as ${other} failed at ${numberText(others.high)}/s and held nowhere beneath`;
    return { is: least >= times ? "confirmed" : "not shown", because };
  }
  return atLeastTimes(timesOf(own, others), times, `${whom}, ${sizes}`);
};

/** What both generators saw at one rate may differ by a tenth of what SLO-I allows a reply. */
const MOST_APART_MS = 10;

const generatorsAgree = (suite: Suite): Verdict => {
  const pair = runsOf(suite, "E0").filter((run) => isValid(run) && run.varied["purpose"] === "pair");
  const [k6, lean] = (["k6", "lean"] as const).map((name) => pair.filter((run) => generatorOf(run) === name));
  if (!k6?.[0] || !lean?.[0]) return notMeasured("one rate by both generators");
  const median = (runs: readonly Run[], of: (run: Run) => number): number => medianOf(runs.map(of));
  const both = (of: (run: Run) => number, text: (value: number) => string): string =>
    `${text(median(k6, of))} and ${text(median(lean, of))}`;
  const p99 = ({ ackMs }: Run): number => ackMs.p99;
  const apart = Math.abs(median(k6, p99) - median(lean, p99));
  const because = `k6 and lean at ${numberText(k6[0].load.requestsPerSecond)} requests/s: ack p50 ${both(({ ackMs }) => ackMs.p50, msText)}, p99 ${both(p99, msText)}, CPU-seconds of the API per 1 000 orders ${both((run) => cpuPerThousand(run) ?? 0, numberText)}`;
  return either(apart <= MOST_APART_MS, because);
};

/** Both: the better generator sends enough, and sees what the other sees. */
export const generatorsAreNoLimit = (suite: Suite): Verdict =>
  allOf([generatorSuffices(suite), generatorsAgree(suite)]);

/** What the better generator can send beside what each mode carries, for requests of each size. */
const generatorSuffices = (suite: Suite): Verdict => {
  const capacities = capacitiesOf(suite, "E0", "E2").filter(({ variant }) => variant === "");
  const parts = capacities
    .filter(({ mode }) => MODES.some((each) => each === mode))
    .flatMap((capacity) => {
      const { mode, ordersPerRequest } = capacity;
      const sent = capacities
        .filter((each) => each.mode === "null" && each.ordersPerRequest === ordersPerRequest)
        .map(({ found }) => found.interactive.rate * ordersPerRequest);
      if (sent.length === 0) return [];
      const bounds = boundsOf(capacity, "interactive");
      const what = `null to ${mode}, ${ordersPerRequest} per request`;
      if (!Number.isFinite(bounds.high)) return [either(false, `${what}: the generator was the limit`)];
      const most = Math.max(...sent);
      return [atLeastTimes(timesOf({ low: most, high: most }, bounds), 2, what)];
    });
  return parts.length > 0 ? allOf(parts) : notMeasured("the null route beside a mode");
};

export const eachStepCarriesMore = (suite: Suite): Verdict => {
  const runs = plain(suite, "E2");
  return allOf([carries(runs, ["v2", 1], ["v1", 1], 1), carries(runs, ["v3", 1], ["v2", 1], 1)]);
};

export const groupCommitPays = (suite: Suite): Verdict =>
  carries(plain(suite, "E2", "E5"), ["v1", 1], ["v1-each", 1], 2);

export const bulkPays = (suite: Suite): Verdict => {
  const runs = plain(suite, "E2", "E11");
  return allOf(MODES.map((mode) => carries(runs, [mode, 10], [mode, 1], 5)));
};

export const workersAddUp = (suite: Suite): Verdict => {
  const runs = runsOf(suite, "E9");
  const withWorkers = (mode: string, workers: number) =>
    reachOf(runs.filter((run) => run.mode === mode && Number(run.varied["workers"]) === workers));
  return allOf(
    ["v2", "v3"].map((mode) => {
      const [one, two] = [withWorkers(mode, 1), withWorkers(mode, 2)];
      if (!one || !two || one.low === 0) return notMeasured(`${mode} with one and two workers`);
      return atLeastTimes(timesOf(two, one), 1.5, `${mode}, two workers to one`);
    }),
  );
};

/** Each is cheapest somewhere, in this order. A mode that is nowhere even equal to the cheapest refutes it. */
export const eachHasItsRange = (suite: Suite): Verdict => {
  const crossover = crossoverOf(suite, 1, "interactive");
  const { segments, contenders } = crossover;
  if (contenders.length < MODES.length) return notMeasured("one of the modes");
  const because = `cheapest, single orders: ${crossoverSentence(crossover)}`;
  const alone = segments.flatMap(({ modes }) => (modes.length === 1 ? modes : []));
  const places = MODES.map((mode) => alone.indexOf(mode));
  const isInOrder = places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
  if (isInOrder) return { is: "confirmed", because };
  // one that the generator could not bring to its end may be the cheapest beyond
  const ended = contenders.filter(({ failsAt }) => Number.isFinite(failsAt)).map(({ mode }) => mode);
  const never = ended.filter((mode) => !segments.some(({ modes }) => modes.includes(mode)));
  if (never.length === 0) return { is: "not shown", because };
  return { is: "refuted", because: `${never.join(" and ")} is nowhere the cheapest; ${because}` };
};
