/** The verdict on each hypothesis, computed from the runs and published whatever it is. */
import { generatorShare, judge, MOST_GENERATOR_SHARE } from "../judge/objectives.ts";
import { medianOf, ratioOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import { generatorOf, type KeptRun, type Run, type Suite } from "../run/results.ts";
import { minutesOf } from "./charts/panels.ts";
import { costsAtShares, cpuPerThousand, LEAST_SPREAD } from "./costs.ts";
import { crossoverOf, crossoverSentence } from "./crossover.ts";
import {
  atTenHertz,
  isPeak,
  isValid,
  keptOf,
  modeCapacities,
  reachIn,
  reachOf,
  runsOf,
  timesOf,
  variantOf,
} from "./figures.ts";
import { msText, numberText, percentText, secondsText, sizeText, timesText } from "./numbers.ts";
import { allOf, atLeastTimes, byMode, either, notMeasured, type Verdict } from "./verdict.ts";

const validOf = (suite: Suite, experiment: string): Run[] => runsOf(suite, experiment).filter(isValid);

/** Orders lost or counted twice. Void runs are included: such an order makes a run void. */
const wrongIn = (runs: readonly Run[]): number =>
  runs.reduce((sum, { audit }) => sum + audit.lost + audit.countedTwice, 0);

/** E0: the generator could send twice as much within its limit. */
const GENERATOR_ROOM = 2;

const generatorHasRoom = (suite: Suite): Verdict => {
  const parts = modeCapacities(suite).map(({ mode, ordersPerRequest, found }): Verdict => {
    const { rate, limit } = found.interactive;
    const what = `${mode}, ${sizeText(ordersPerRequest)}`;
    if (limit) return either(false, `${what}: the generator was the limit`);
    const shares = validOf(suite, "E2").flatMap((run) => {
      const { load } = run;
      const isIt = run.mode === mode && variantOf(run) === "" && !isPeak(run);
      const isAtCapacity = load.requestsPerSecond === rate && load.ordersPerRequest === ordersPerRequest;
      return isIt && isAtCapacity ? [generatorShare(run)] : [];
    });
    if (shares.length === 0) return notMeasured(what);
    const most = Math.max(...shares);
    return either(most * GENERATOR_ROOM <= MOST_GENERATOR_SHARE, `${what} ${percentText(most)}`);
  });
  if (parts.length === 0) return notMeasured("the capacity of a mode");
  const { is, because } = allOf(parts);
  return { is, because: `highest share of its cores that the generator uses at capacity: ${because}` };
};

/** A tenth of the reply time that SLO-I allows. */
const MOST_APART_MS = 10;

const generatorsAgree = (suite: Suite): Verdict => {
  const pair = validOf(suite, "E0").filter(({ varied }) => varied["purpose"] === "pair");
  const [k6, node] = (["k6", "node"] as const).map((name) => pair.filter((run) => generatorOf(run) === name));
  if (!k6?.[0] || !node?.[0]) return notMeasured("the same rate by both generators");
  const both = (of: (run: Run) => number): number[] => [k6, node].map((runs) => medianOf(runs.map(of)));
  const [p50s, p99s] = [both(({ ackMs }) => ackMs.p50), both(({ ackMs }) => ackMs.p99)];
  const cpu = both((run) => cpuPerThousand(run) ?? 0);
  const text = (values: readonly number[], of = msText): string => values.map(of).join(" and ");
  const rate = numberText(k6[0].load.requestsPerSecond);
  const because = `k6 and the Node generator at ${rate} requests/s: reply p50 ${text(p50s)}, p99 ${text(p99s)}, CPU-seconds of the API per 1 000 orders ${text(cpu, numberText)}`;
  return either(Math.max(...p99s) - Math.min(...p99s) <= MOST_APART_MS, because);
};

export const generatorIsNoLimit = (suite: Suite): Verdict => {
  const isCompared = runsOf(suite, "E0").some((run) => generatorOf(run) === "k6");
  return allOf([generatorHasRoom(suite), ...(isCompared ? [generatorsAgree(suite)] : [])]);
};

const FRESH_MS = 300;

export const allAreFreshAtRest = (suite: Suite): Verdict =>
  byMode(validOf(suite, "E1"), MODE_NAMES, (runs, mode) => {
    const p99 = medianOf(runs.map(({ freshnessMs }) => freshnessMs?.p99 ?? Number.POSITIVE_INFINITY));
    const holds = runs.every((run) => judge(run, "interactive").holds) && (mode === "v1" || p99 <= FRESH_MS);
    return either(holds, `freshness p99 of ${mode} ${msText(p99)}`);
  });

type Load = readonly [mode: string, ordersPerRequest: number];

/** How many times as many orders one load carries as another. */
const carries = (
  suite: Suite,
  experiments: readonly string[],
  load: Load,
  otherLoad: Load,
  wanted: number,
): Verdict => {
  const [own, other] = [load, otherLoad].map((each) => reachIn(suite, experiments, ...each));
  const [[mode, size], [otherMode, otherSize]] = [load, otherLoad];
  const sizes = [...new Set([size, otherSize])].map(sizeText).join(" compared with ");
  const what = `${mode === otherMode ? mode : `${mode} to ${otherMode}`}, ${sizes}`;
  if (!own || !other) return notMeasured(what);
  if (other.low > 0) return atLeastTimes(timesOf(own, other), wanted, what);
  const least = own.low / other.high;
  const because = `${what}: at least ${timesText(least)}, because ${otherMode} failed at ${numberText(other.high)} orders/s and held at no lower rate`;
  return { is: least >= wanted ? "confirmed" : "not shown", because };
};

const STEPS = [["v1", "v2"] as const, ["v2", "v3"] as const];

export const eachStepCarriesMore = (suite: Suite): Verdict =>
  allOf(STEPS.map(([from, to]) => carries(suite, ["E2"], [to, 1], [from, 1], 1)));

export const groupCommitPays = (suite: Suite): Verdict =>
  carries(suite, ["E2", "E5"], ["v1", 1], ["v1-each", 1], 2);

export const bulkPays = (suite: Suite): Verdict =>
  allOf(MODE_NAMES.map((mode) => carries(suite, ["E2", "E11"], [mode, 10], [mode, 1], 5)));

const DRAINED_WITHIN_SECONDS = 60;

export const queuesTakePeaks = (suite: Suite): Verdict =>
  byMode(validOf(suite, "E3"), ["v2", "v3"], (runs, mode) => {
    const refused = runs.reduce((sum, { ledger }) => sum + ledger.refused, 0);
    const drained = Math.max(...runs.map(({ drainedSeconds }) => drainedSeconds));
    const holds = refused === 0 && wrongIn(runs) === 0 && drained <= DRAINED_WITHIN_SECONDS;
    const because = `${mode} refused ${numberText(refused)} orders, lost ${wrongIn(runs)} and drained within ${secondsText(drained)}`;
    return either(holds, because);
  });

/** The last quarter compared with the second; the first is warm-up. */
const MOST_DRIFT = 1.2;

export const nothingDrifts = (suite: Suite): Verdict => {
  const kept = keptOf(suite, "E4").filter(({ run }) => isValid(run));
  return kept.length === 0 ? notMeasured("a soak") : allOf(kept.map(driftOf));
};

const driftOf = ({ run, seconds }: KeptRun): Verdict => {
  const minutes = minutesOf(seconds());
  const quarter = Math.floor(minutes.length / 4);
  if (quarter === 0) return notMeasured(`a soak of ${run.mode} of four minutes or more`);
  const [early, late] = [minutes.slice(quarter, 2 * quarter), minutes.slice(-quarter)];
  const growth = (of: (minute: (typeof minutes)[number]) => number | null): number =>
    medianOf(late.map((minute) => of(minute) ?? 0)) / medianOf(early.map((minute) => of(minute) ?? 0));
  const [ack, memory] = [growth((minute) => minute.ack), growth((minute) => minute.memory)];
  const because = `${run.mode}: reply p99 ${timesText(ack)}, memory ${timesText(memory)}`;
  return either(ack <= MOST_DRIFT && memory <= MOST_DRIFT, because);
};

export const refusesBeforeLoss = (suite: Suite): Verdict => {
  const runs = runsOf(suite, "E6");
  const bounded = runs.filter(({ varied }) => varied["maxmemory"] !== undefined);
  const refused = bounded.reduce((sum, { ledger }) => sum + ledger.refused + ledger.unknown, 0);
  const because = `with Redis at maxmemory ${numberText(refused)} orders were not acknowledged and ${wrongIn(bounded)} were lost or counted twice; in all ${runs.length} runs ${wrongIn(runs)} were`;
  if (wrongIn(runs) > 0) return { is: "refuted", because };
  if (bounded.length === 0) return notMeasured("Redis at maxmemory");
  return { is: refused > 0 ? "confirmed" : "not shown", because };
};

const DELIVERED_WITHIN_MS = 1_000;
const WANTED_CLIENTS = 10_000;
/** Slow clients may delay the others by a quarter. */
const MOST_SLOWED = 1.25;

export const socketsScale = (suite: Suite): Verdict => {
  const sockets = atTenHertz(validOf(suite, "E7")).flatMap(({ websocket }) => websocket ?? []);
  const served = sockets.filter(({ delayP99 }) => delayP99 <= DELIVERED_WITHIN_MS);
  const most = Math.max(0, ...served.map(({ clients }) => clients));
  const tried = Math.max(0, ...sockets.map(({ clients }) => clients));
  const [withSlow, withoutSlow] = [true, false].map((isSlow) =>
    sockets.flatMap(({ clients, slowShare, delayP99 }) =>
      clients === most && slowShare > 0 === isSlow ? [delayP99] : [],
    ),
  );
  if (!withSlow?.length || !withoutSlow?.length)
    return notMeasured("a run with and one without slow clients");
  const slowed = ratioOf(withSlow, withoutSlow);
  const because = `${numberText(most)} of ${numberText(tried)} clients were served in time; with slow clients the delay of the others was ${timesText(slowed.ratio)}`;
  if (most < tried) return { is: "refuted", because };
  // one run of each cannot separate chance from the effect of slow clients
  const isRepeated = withSlow.length > 1 && withoutSlow.length > 1;
  if (isRepeated && slowed.interval.low > MOST_SLOWED) return { is: "refuted", because };
  const isEnough = most >= WANTED_CLIENTS && isRepeated && slowed.interval.high <= MOST_SLOWED;
  return { is: isEnough ? "confirmed" : "not shown", because };
};

export const nothingIsLost = (suite: Suite): Verdict => {
  const runs = runsOf(suite, "E8");
  if (runs.length === 0) return notMeasured("a fault");
  const recovered = runs.flatMap(({ fault }) => fault?.recoverySeconds ?? []);
  const worst = recovered.length > 0 ? `, in ${secondsText(Math.max(...recovered))} at most` : "";
  const because = `${wrongIn(runs)} orders lost or counted twice in ${runs.length} runs; ${recovered.length} runs recovered before their end${worst}`;
  return either(wrongIn(runs) === 0, because);
};

export const workersAddUp = (suite: Suite): Verdict =>
  byMode(runsOf(suite, "E9"), ["v2", "v3"], (runs, mode) => {
    const [one, two] = [1, 2].map((workers) =>
      reachOf(runs.filter(({ varied }) => Number(varied["workers"]) === workers)),
    );
    if (!one || !two || one.low === 0) return notMeasured(`${mode} with one and two workers`);
    return atLeastTimes(timesOf(two, one), 1.5, `${mode}, two workers to one`);
  });

export const waitingPays = (suite: Suite): Verdict => {
  const runs = validOf(suite, "E10").filter(({ varied }) => varied["waitMs"] !== undefined);
  return byMode(runs, MODE_NAMES, (own, mode) => {
    const waitOf = ({ varied }: Run): number => Number(varied["waitMs"]);
    const waits = own.map(waitOf);
    const ratio = (of: (run: Run) => number | null) => {
      const [long, short] = [Math.max(...waits), Math.min(...waits)].map((wait) =>
        own.filter((run) => waitOf(run) === wait).flatMap((run) => of(run) ?? []),
      );
      return long?.length && short?.length ? ratioOf(long, short) : null;
    };
    const [cost, age] = [ratio(cpuPerThousand), ratio(({ freshnessMs }) => freshnessMs?.p50 ?? null)];
    if (new Set(waits).size < 2 || !cost || !age) return notMeasured(`${mode} with two waiting times`);
    const because = `${mode}, longest wait to shortest: CPU ${timesText(cost.ratio)}, freshness p50 ${timesText(age.ratio)}`;
    const [surelyLess, surelyMore] = [1 / (1 + LEAST_SPREAD), 1 + LEAST_SPREAD];
    if (cost.interval.high < surelyLess && age.interval.low > surelyMore) return either(true, because);
    const isAgainst = cost.interval.low > surelyMore || age.interval.high < surelyLess;
    return { is: isAgainst ? "refuted" : "not shown", because };
  });
};

const CHEAPER_BY = 2;

export const loadMakesCheap = (suite: Suite): Verdict => {
  const costs = costsAtShares(suite).filter(({ ordersPerRequest }) => ordersPerRequest === 1);
  return byMode(costs, MODE_NAMES, (own, mode) => {
    const [idle, busy] = [own[0], own.at(-1)];
    if (!idle || !busy || idle === busy) return notMeasured(`${mode} at two shares of its capacity`);
    const times = idle.cost / busy.cost;
    const because = `${mode}: ${timesText(times)} at ${percentText(idle.share)} of capacity compared with ${percentText(busy.share)}`;
    return either(times >= CHEAPER_BY, because);
  });
};

/** Each mode must be the cheapest at some rates, in this order. One that is never even among the cheapest refutes it. */
export const eachHasItsRange = (suite: Suite): Verdict => {
  const crossover = crossoverOf(suite, 1, "interactive");
  const { segments, contenders } = crossover;
  if (contenders.length < MODE_NAMES.length) return notMeasured("one of the modes");
  const because = `cheapest mode for single orders: ${crossoverSentence(crossover)}`;
  const alone = segments.flatMap(({ modes }) => (modes.length === 1 ? modes : []));
  const places = MODE_NAMES.map((mode) => alone.indexOf(mode));
  if (places.every((place, index) => place > (places[index - 1] ?? -1))) return either(true, because);
  // a mode whose end the generator could not reach may be the cheapest beyond it
  const ended = contenders.filter(({ failsAt }) => Number.isFinite(failsAt)).map(({ mode }) => mode);
  const never = ended.filter((mode) => !segments.some(({ modes }) => modes.includes(mode)));
  if (never.length === 0) return { is: "not shown", because };
  return either(false, `${never.join(" and ")} is never the cheapest; ${because}`);
};
