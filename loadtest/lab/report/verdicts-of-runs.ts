/** Verdicts on what runs at given loads show: nothing lost, nothing drifting, what waiting costs. */

import { judge } from "../judge/objectives.ts";
import { medianOf, ratioOf } from "../judge/statistics.ts";
import { MODE_NAMES } from "../run/arrangements.ts";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { costsAtShares } from "./charts/lines.ts";
import { minutesOf } from "./charts/panels.ts";
import { atTenHertz, cpuPerThousand, isValid, keptOf, LEAST_SPREAD, runsOf } from "./figures.ts";
import { msText, numberText, timesText, withUnit } from "./numbers.ts";
import { allOf, either, notMeasured, type Verdict } from "./verdict.ts";

const validOf = (suite: Suite, experiment: string): Run[] => runsOf(suite, experiment).filter(isValid);

/** Lost or counted twice, in all: void runs too, for the audit makes void. */
const wrongIn = (runs: readonly Run[]): number =>
  runs.reduce((sum, { audit }) => sum + audit.lost + audit.countedTwice, 0);

const FRESH_MS = 300;

export const allAreFreshAtRest = (suite: Suite): Verdict => {
  const runs = validOf(suite, "E1");
  return allOf(
    MODE_NAMES.map((mode) => {
      const own = runs.filter((run) => run.mode === mode);
      if (own.length === 0) return notMeasured(mode);
      const p99 = medianOf(own.map(({ freshnessMs }) => freshnessMs?.p99 ?? Number.POSITIVE_INFINITY));
      const holds = own.every((run) => judge(run, "interactive").holds) && (mode === "v1" || p99 <= FRESH_MS);
      return either(holds, `${mode} freshness p99 ${msText(p99)}`);
    }),
  );
};

const DRAINED_WITHIN_SECONDS = 60;

export const queuesTakePeaks = (suite: Suite): Verdict => {
  const runs = validOf(suite, "E3");
  return allOf(
    ["v2", "v3"].map((mode) => {
      const own = runs.filter((run) => run.mode === mode);
      if (own.length === 0) return notMeasured(mode);
      const refused = own.reduce((sum, { ledger }) => sum + ledger.refused, 0);
      const drained = Math.max(...own.map(({ drainedSeconds }) => drainedSeconds));
      const holds = refused === 0 && wrongIn(own) === 0 && drained <= DRAINED_WITHIN_SECONDS;
      return either(
        holds,
        `${mode} refused ${numberText(refused)}, lost ${wrongIn(own)}, drained in ${withUnit(drained, "s")}`,
      );
    }),
  );
};

/** The last quarter beside the second: the first warms up. */
const MOST_DRIFT = 1.2;

export const nothingDrifts = (suite: Suite): Verdict => {
  const kept = keptOf(suite, "E4").filter(({ run }) => isValid(run));
  if (kept.length === 0) return notMeasured("a soak");
  return allOf(kept.map(driftOf));
};

const driftOf = ({ run, seconds }: KeptRun): Verdict => {
  const minutes = minutesOf(seconds());
  const quarter = Math.floor(minutes.length / 4);
  if (quarter === 0) return notMeasured(`${run.mode} for long enough`);
  const [early, late] = [minutes.slice(quarter, 2 * quarter), minutes.slice(-quarter)];
  const grown = (of: (minute: (typeof minutes)[number]) => number | null): number =>
    medianOf(late.map((minute) => of(minute) ?? 0)) / medianOf(early.map((minute) => of(minute) ?? 0));
  const [ack, memory] = [grown((minute) => minute.ack), grown((minute) => minute.memory)];
  const because = `${run.mode} reply time ${timesText(ack)}, memory ${timesText(memory)}`;
  return either(ack <= MOST_DRIFT && memory <= MOST_DRIFT, because);
};

/** At a bound: where Redis had no more memory. */
export const refusesBeforeLoss = (suite: Suite): Verdict => {
  const runs = runsOf(suite, "E6");
  const bound = runs.filter(({ varied }) => varied["maxmemory"] !== undefined);
  const refused = bound.reduce((sum, { ledger }) => sum + ledger.refused + ledger.unknown, 0);
  const because = `at the bound ${numberText(refused)} orders not acknowledged, ${wrongIn(bound)} lost or counted twice; ${wrongIn(runs)} in ${runs.length} runs of all kinds`;
  if (wrongIn(runs) > 0) return { is: "refuted", because };
  if (bound.length === 0) return notMeasured("Redis at the bound of its memory");
  return { is: refused > 0 ? "confirmed" : "not shown", because };
};

const DELIVERED_WITHIN_MS = 1_000;
const WANTED_CLIENTS = 10_000;
/** What slow clients may add to the others' delay. */
const MOST_SLOWED = 1.25;

export const socketsScale = (suite: Suite): Verdict => {
  const sockets = atTenHertz(validOf(suite, "E7")).flatMap(({ websocket }) => (websocket ? [websocket] : []));
  const served = sockets.filter(({ delayP99 }) => delayP99 <= DELIVERED_WITHIN_MS);
  const most = Math.max(0, ...served.map(({ clients }) => clients));
  const tried = Math.max(0, ...sockets.map(({ clients }) => clients));
  const delays = (slow: boolean): number[] =>
    sockets
      .filter((each) => each.clients === most && each.slowShare > 0 === slow)
      .map(({ delayP99 }) => delayP99);
  const [without, with_] = [delays(false), delays(true)];
  if (without.length === 0 || with_.length === 0) return notMeasured("slow clients beside none");
  const slowed = ratioOf(with_, without);
  const because = `${numberText(most)} of ${numberText(tried)} clients tried, slow ones make the others' delay ${timesText(slowed.ratio)}`;
  if (most < tried) return { is: "refuted", because };
  // one run of each cannot separate chance from the effect of slow clients
  const isTold = with_.length > 1 && without.length > 1;
  if (isTold && slowed.interval.low > MOST_SLOWED) return { is: "refuted", because };
  const isEnough = most >= WANTED_CLIENTS && isTold && slowed.interval.high <= MOST_SLOWED;
  return { is: isEnough ? "confirmed" : "not shown", because };
};

export const nothingIsLost = (suite: Suite): Verdict => {
  const runs = runsOf(suite, "E8");
  if (runs.length === 0) return notMeasured("a fault");
  const recovered = runs.flatMap(({ fault }) => fault?.recoverySeconds ?? []);
  const worst = recovered.length > 0 ? `, in ${withUnit(Math.max(...recovered), "s")} at most` : "";
  const because = `${wrongIn(runs)} lost or counted twice in ${runs.length} runs; ${recovered.length} recovered before their end${worst}`;
  return either(wrongIn(runs) === 0, because);
};

export const waitingPays = (suite: Suite): Verdict => {
  const runs = validOf(suite, "E10").filter(({ varied }) => varied["waitMs"] !== undefined);
  return allOf(
    MODE_NAMES.map((mode) => {
      const own = runs.filter((run) => run.mode === mode);
      const waits = own.map(({ varied }) => Number(varied["waitMs"]));
      const at = (wait: number): Run[] => own.filter(({ varied }) => Number(varied["waitMs"]) === wait);
      const [short, long] = [at(Math.min(...waits)), at(Math.max(...waits))];
      const cost = (group: readonly Run[]): number[] => group.flatMap((run) => cpuPerThousand(run) ?? []);
      const age = (group: readonly Run[]): number[] =>
        group.flatMap(({ freshnessMs }) => freshnessMs?.p50 ?? []);
      if (short === long || cost(short).length === 0 || age(short).length === 0) return notMeasured(mode);
      const [cheaper, older] = [ratioOf(cost(long), cost(short)), ratioOf(age(long), age(short))];
      const because = `${mode}: longest to shortest wait, cost ${timesText(cheaper.ratio)}, freshness p50 ${timesText(older.ratio)}`;
      const [surelyLess, surelyMore] = [1 / (1 + LEAST_SPREAD), 1 + LEAST_SPREAD];
      if (cheaper.interval.high < surelyLess && older.interval.low > surelyMore)
        return { is: "confirmed", because };
      const isAgainst = cheaper.interval.low > surelyMore || older.interval.high < surelyLess;
      return { is: isAgainst ? "refuted" : "not shown", because };
    }),
  );
};

const CHEAPER_BY = 2;

export const loadMakesCheap = (suite: Suite): Verdict => {
  const costs = costsAtShares(suite).filter(({ ordersPerRequest }) => ordersPerRequest === 1);
  return allOf(
    MODE_NAMES.map((mode) => {
      const own = costs.filter((each) => each.mode === mode);
      const [idle, busy] = [own[0], own.at(-1)];
      if (!idle || !busy || idle === busy) return notMeasured(mode);
      return either(
        idle.cost / busy.cost >= CHEAPER_BY,
        `${mode}: ${timesText(idle.cost / busy.cost)} at ${withUnit(idle.share * 100, "%")} of capacity`,
      );
    }),
  );
};
