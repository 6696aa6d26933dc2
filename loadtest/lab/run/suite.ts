/** Single runs of a suite: what is there already is not done again, and a void run is repeated up to twice. */

import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Point } from "../experiments/experiment.ts";
import { nameOf, type Planned, planned, sizeOf, TIMES } from "../experiments/layout.ts";
import type { Work } from "../experiments/plan.ts";
import { standingOf } from "../judge/objectives.ts";
import { type Place, recordOf } from "../judge/record.ts";
import { type MeasureName, measureRate } from "../measures/measures.ts";
import { isPeak, isValid } from "../report/figures.ts";
import { capacityIn } from "../search/known-rates.ts";
import type { Progress } from "./progress.ts";
import { type Found, keepRun } from "./result-files.ts";
import type { KeptRun, Run, Suite } from "./results.ts";
import { type Lab, measure, type Order } from "./run.ts";

/** What makes the figures: the laboratory itself, or a model of one in tests. */
export type Measures = {
  readonly run: (order: Order, place: Place) => Promise<Found>;
  readonly rate: (name: MeasureName, order: Order, place: Place) => Promise<Found>;
  readonly signal: AbortSignal;
};

export const measuresOf = (lab: Lab): Measures => ({
  signal: lab.signal,
  run: async (order, place) => {
    const measured = await measure(lab, order);
    const { output, logs, took } = measured;
    return { ...recordOf(measured, place, lab.pinning), output, logs, took };
  },
  rate: async (name, order, place) => ({
    run: await measureRate(name, lab, order, place),
    ...{ seconds: [], output: null, logs: "", took: {} },
  }),
});

export type SuiteRun = {
  readonly measures: Measures;
  readonly folder: string;
  /** Grows with every run. */
  suite: Suite;
  readonly progress: Progress;
  /** Numbers the runs of this process; stands in their orders' ids. */
  runs: number;
};

/** A void run is repeated up to twice. */
const MOST_ATTEMPTS = 3;

type Named = Pick<Place, "experiment" | "point" | "repetition" | "varied">;

const sameAs =
  ({ experiment, point, repetition }: Named, mode: string) =>
  ({ run }: KeptRun): boolean =>
    run.experiment === experiment &&
    run.point === point &&
    run.mode === mode &&
    run.repetition === repetition;

/** A void run that failed all the same would only fail again. */
const isConclusive = (run: Run): boolean => standingOf(run, "interactive") !== "void";

/** Until one run is conclusive, or none of three is. Runs of an earlier process count too. */
const untilValid = async (
  suiteRun: SuiteRun,
  named: Named,
  mode: string,
  make: (attempt: number) => Promise<void>,
  { mostAttempts = MOST_ATTEMPTS, isEnough = isConclusive } = {},
): Promise<void> => {
  for (;;) {
    const done = suiteRun.suite.runs.filter(sameAs(named, mode)).map(({ run }) => run);
    if (done.some(isEnough) || done.length >= mostAttempts) return;
    await make(done.length + 1);
  }
};

export const doPoint = async (
  suiteRun: SuiteRun,
  { experiment, point, repetition }: Work & { kind: "point" },
  mostAttempts = MOST_ATTEMPTS,
): Promise<void> => {
  const { scale, seed } = suiteRun.suite.env;
  const size = sizeOf(point);
  if (point.measure !== undefined) return doRate(suiteRun, experiment, point, point.measure, repetition);
  const plan = planned(point, scale, seed, capacityIn(suiteRun.suite));
  if (isKnown(suiteRun.suite, experiment, plan, size)) return;
  const named = { experiment, point: plan.name, repetition, varied: plan.varied };
  const make = (attempt: number): Promise<void> => runOnce(suiteRun, plan, { ...named, attempt });
  await untilValid(suiteRun, named, point.arrangement, make, {
    mostAttempts,
    ...(point.needsValidRun && { isEnough: isValid }),
  });
};

/** How near a run of E2 has to be to stand for one of E12. */
const NEAR = 0.08;

/** What E12 asks for E2 may have measured already: nothing is set otherwise in either. */
const isKnown = (suite: Suite, experiment: string, { order, varied }: Planned, size: number): boolean =>
  experiment === "E12" &&
  varied["share"] !== undefined &&
  suite.runs.some(
    ({ run }) =>
      run.experiment === "E2" &&
      run.mode === order.setting.arrangement.name &&
      run.load.ordersPerRequest === size &&
      run.voids.length === 0 &&
      !isPeak(run) &&
      Math.abs(run.load.requestsPerSecond / order.load.requestsPerSecond - 1) <= NEAR,
  );

export const runOnce = async (suiteRun: SuiteRun, { order }: Planned, named: Named & { attempt: number }) => {
  const { measures, suite, folder, progress } = suiteRun;
  const { commit, scale } = suite.env;
  measures.signal.throwIfAborted();
  const numbered = { ...order.load, run: runNumber(suiteRun), runStartMs: Date.now() };
  const end = progress.begin(`${named.experiment} ${named.point}${wordsOf(named)}`);
  const found = await measures.run({ ...order, load: numbered }, { ...named, commit, scale });
  add(suiteRun, keepRun(folder, found));
  end(found.run);
};

/** Another one for each run of a suite, whatever process made it: 32 bits of the time. */
const runNumber = (suiteRun: SuiteRun): number => {
  suiteRun.runs++;
  return (Math.floor(Date.now() / 100) + suiteRun.runs) % 2 ** 32;
};

const PEAKS: ReadonlyMap<MeasureName, string> = new Map([
  ["closed-loop", "peak by wrk"],
  ["socket-loop", "peak by WebSocket"],
]);

const doRate = async (
  suiteRun: SuiteRun,
  experiment: string,
  point: Point,
  measure: MeasureName,
  repetition: number,
): Promise<void> => {
  const { measures, suite, folder, progress } = suiteRun;
  const { commit, scale, seed } = suite.env;
  const plan = planned(point, scale, seed, () => null);
  const { peakSeconds } = TIMES[scale];
  const { seconds = peakSeconds, warmUpSeconds = Math.ceil(seconds / 2) } = point.load;
  const load = { ...plan.order.load, seconds, warmUpSeconds };
  const { arrangement } = plan.order.setting;
  const by = PEAKS.get(measure) ?? measure;
  const name = `${nameOf(arrangement, point.name, sizeOf(point), 0).replace(/ 0\/s$/, "")} ${by}`;
  const named = { experiment, point: name, repetition, varied: point.varied };
  let hasFailed = false;
  await untilValid(
    suiteRun,
    named,
    arrangement.name,
    async (attempt) => {
      measures.signal.throwIfAborted();
      const end = progress.begin(`${experiment} ${name}${wordsOf({ ...named, attempt })}`);
      const place = { ...named, commit, scale, attempt };
      try {
        const found = await measures.rate(measure, { ...plan.order, load }, place);
        add(suiteRun, keepRun(folder, found));
        end(found.run);
      } catch (error) {
        // once may be chance: a program that did not start, a backlog that was counted between two samples
        measures.signal.throwIfAborted();
        if (hasFailed) throw error;
        hasFailed = true;
        progress.log(`    repeated: ${messageOf(error)}`);
      }
    },
    { isEnough: isValid },
  );
};

const add = (suiteRun: SuiteRun, kept: KeptRun): void => {
  suiteRun.suite = { ...suiteRun.suite, runs: [...suiteRun.suite.runs, kept] };
};

const wordsOf = ({ varied, repetition, attempt }: Named & { attempt: number }): string => {
  const words = [
    ...(varied["purpose"] === undefined ? [] : [String(varied["purpose"])]),
    ...(repetition > 1 ? [`repetition ${repetition}`] : []),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ];
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
};
