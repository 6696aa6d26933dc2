/** Verdicts on how far the modes reach. */

import { generatorShare, MOST_GENERATOR_SHARE } from "../judge/objectives.ts";
import { medianOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { generatorOf, type Run, type Suite } from "../run/results.ts";
import { crossoverSentence } from "./charts/crossover.ts";
import { crossoverOf } from "./crossover.ts";
import {
  type Bounds,
  boundsOf,
  capacitiesOf,
  cpuPerThousand,
  isPeak,
  isValid,
  reachOf,
  runsOf,
  timesOf,
  variantOf,
} from "./figures.ts";
import { msText, numberText, percentText, timesText } from "./numbers.ts";
import { allOf, atLeastTimes, either, notMeasured, type Verdict } from "./verdict.ts";

type Reach = (mode: string, ordersPerRequest: number) => Bounds | null;

/** What a search has confirmed, where there was one; else how far the given rates held. */
const reachIn =
  (suite: Suite, ...experiments: readonly string[]): Reach =>
  (mode, ordersPerRequest) => {
    const isOfIt = (name: string, size: number): boolean => name === mode && size === ordersPerRequest;
    const searched = capacitiesOf(suite, ...experiments).find(
      (each) => isOfIt(each.mode, each.ordersPerRequest) && each.variant === "",
    );
    if (searched) return boundsOf(searched, "interactive");
    return reachOf(plain(suite, ...experiments).filter((run) => isOfIt(run.mode, run.load.ordersPerRequest)));
  };

const plain = (suite: Suite, ...experiments: readonly string[]): Run[] =>
  runsOf(suite, ...experiments).filter((run) => variantOf(run) === "");

/** How many times one mode carries what another does, both with requests of the sizes given. */
const carries = (
  reach: Reach,
  [mode, size]: readonly [string, number],
  [other, otherSize]: readonly [string, number],
  times: number,
): Verdict => {
  const [own, others] = [reach(mode, size), reach(other, otherSize)];
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
  const [k6, node] = (["k6", "node"] as const).map((name) => pair.filter((run) => generatorOf(run) === name));
  if (!k6?.[0] || !node?.[0]) return notMeasured("one rate by both generators");
  const median = (runs: readonly Run[], of: (run: Run) => number): number => medianOf(runs.map(of));
  const both = (of: (run: Run) => number, text: (value: number) => string): string =>
    `${text(median(k6, of))} and ${text(median(node, of))}`;
  const p99 = ({ ackMs }: Run): number => ackMs.p99;
  const apart = Math.abs(median(k6, p99) - median(node, p99));
  const because = `k6 and the Node generator at ${numberText(k6[0].load.requestsPerSecond)} requests/s: ack p50 ${both(({ ackMs }) => ackMs.p50, msText)}, p99 ${both(p99, msText)}, CPU-seconds of the API per 1 000 orders ${both((run) => cpuPerThousand(run) ?? 0, numberText)}`;
  return either(apart <= MOST_APART_MS, because);
};

/** The generator is never near its limit and, where k6 was there to compare with, measures the same. */
export const generatorIsNoLimit = (suite: Suite): Verdict => {
  const isCompared = runsOf(suite, "E0").some((run) => generatorOf(run) === "k6");
  return isCompared ? allOf([generatorHasRoom(suite), generatorsAgree(suite)]) : generatorHasRoom(suite);
};

/** Of the most that a generator may take of its cores: it could send twice as much. */
const ROOM = 2;

const generatorHasRoom = (suite: Suite): Verdict => {
  const capacities = capacitiesOf(suite, "E2").filter(({ variant }) => variant === "");
  const parts = capacities.map((capacity): Verdict => {
    const { mode, ordersPerRequest, found } = capacity;
    const { rate, limit } = found.interactive;
    const what = `${mode}, ${ordersPerRequest} per request`;
    if (limit) return either(false, `${what}: the generator was the limit`);
    const shares = plain(suite, "E2")
      .filter((run) => run.mode === mode && run.load.ordersPerRequest === ordersPerRequest)
      .filter((run) => isValid(run) && !isPeak(run) && run.load.requestsPerSecond === rate)
      .map(generatorShare);
    if (shares.length === 0) return notMeasured(what);
    const most = Math.max(...shares);
    return either(most * ROOM <= MOST_GENERATOR_SHARE, `${what}: ${percentText(most)} of its cores`);
  });
  if (parts.length === 0) return notMeasured("a mode's capacity");
  const { is, because } = allOf(parts);
  return { is, because: `at capacity the generator takes at most, ${because}` };
};

export const eachStepCarriesMore = (suite: Suite): Verdict => {
  const reach = reachIn(suite, "E2");
  return allOf([carries(reach, ["v2", 1], ["v1", 1], 1), carries(reach, ["v3", 1], ["v2", 1], 1)]);
};

export const groupCommitPays = (suite: Suite): Verdict =>
  carries(reachIn(suite, "E2", "E5"), ["v1", 1], ["v1-each", 1], 2);

export const bulkPays = (suite: Suite): Verdict => {
  const reach = reachIn(suite, "E2", "E11");
  return allOf(MODE_NAMES.map((mode) => carries(reach, [mode, 10], [mode, 1], 5)));
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
  if (contenders.length < MODE_NAMES.length) return notMeasured("one of the modes");
  const because = `cheapest, single orders: ${crossoverSentence(crossover)}`;
  const alone = segments.flatMap(({ modes }) => (modes.length === 1 ? modes : []));
  const places = MODE_NAMES.map((mode) => alone.indexOf(mode));
  const isInOrder = places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
  if (isInOrder) return { is: "confirmed", because };
  // one that the generator could not bring to its end may be the cheapest beyond
  const ended = contenders.filter(({ failsAt }) => Number.isFinite(failsAt)).map(({ mode }) => mode);
  const never = ended.filter((mode) => !segments.some(({ modes }) => modes.includes(mode)));
  if (never.length === 0) return { is: "not shown", because };
  return { is: "refuted", because: `${never.join(" and ")} is nowhere the cheapest; ${because}` };
};
