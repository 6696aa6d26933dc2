/** A search for capacity: asks capacity.ts what to try next, and tries it. What was tried before an interruption counts. */

import type { SearchSettings } from "../experiments/layout.ts";
import { planned, TIMES } from "../experiments/layout.ts";
import type { Work } from "../experiments/plan.ts";
import { isSearched } from "../report/figures.ts";
import { generatorOf, type Run } from "../run/results.ts";
import { doPoint, runOnce, type SuiteRun } from "../run/suite.ts";
import { nextStep, pointOf } from "./capacity.ts";
import { ceilingIn, isCalibrated, searchSettings } from "./known-rates.ts";

/** No search of two objectives takes so many; one that does repeats itself. */
const MOST_SEARCH_RUNS = 60;
const CALIBRATED_FROM = 300;
const MOST_CALIBRATIONS = 4;

/** Runs the null route at a rate that any machine sends, then near the extrapolated ceiling, until the ceiling is known. */
const calibrate = async (suiteRun: SuiteRun, experiment: string, size: number): Promise<void> => {
  for (let index = 1; index <= MOST_CALIBRATIONS && !isCalibrated(suiteRun.suite, size); index++) {
    const name = `calibrate ${index}`;
    const isDone = suiteRun.suite.runs.some(
      ({ run }) => run.point.startsWith(`null ${name}`) && run.load.ordersPerRequest === size,
    );
    if (isDone) continue;
    const { warmUpSeconds, seconds } = TIMES.smoke;
    const point = {
      arrangement: "null",
      name,
      varied: { purpose: "calibrate" },
      load: {
        rate: ceilingIn(suiteRun.suite, size) ?? CALIBRATED_FROM,
        ordersPerRequest: size,
        warmUpSeconds,
        seconds,
      },
    };
    // it need not count: only the use of its cores is needed
    await doPoint(suiteRun, { kind: "point", experiment, point, repetition: 1 }, 1);
  }
};

export const doSearch = async (
  suiteRun: SuiteRun,
  { experiment, arrangement, size }: Work & { kind: "search" },
) => {
  const { scale, seed } = suiteRun.suite.env;
  if (arrangement === "null") await calibrate(suiteRun, experiment, size);
  for (let count = 0; count < MOST_SEARCH_RUNS; count++) {
    const runs = suiteRun.suite.runs
      .map(({ run }) => run)
      .filter(
        (run) =>
          run.experiment === experiment &&
          run.mode === arrangement &&
          run.load.ordersPerRequest === size &&
          generatorOf(run) === "node" &&
          isSearched(run),
      );
    const settings = goingOnWith(searchSettings(suiteRun.suite, arrangement, size), runs[0]);
    const step = nextStep(runs.map(pointOf), settings);
    if ("found" in step) return suiteRun.progress.found(arrangement, size, step.found);
    const ceiling = Number.isFinite(settings.ceilingRate) ? { ceilingRate: settings.ceilingRate } : {};
    const plan = planned(
      {
        arrangement,
        name: "",
        varied: { purpose: step.purpose, ...ceiling },
        load: { rate: step.rate, ordersPerRequest: size },
      },
      scale,
      seed,
      () => null,
    );
    const here = runs.filter(({ load }) => load.requestsPerSecond === step.rate);
    const valid = here.filter(({ voids }) => voids.length === 0).length;
    const attempt = here.filter(({ repetition }) => repetition === valid + 1).length + 1;
    const named = { experiment, point: plan.name, repetition: valid + 1, varied: plan.varied };
    await runOnce(suiteRun, plan, { ...named, attempt });
  }
};

/** A search that was interrupted goes on as it began. */
const goingOnWith = (settings: SearchSettings, first: Run | undefined): SearchSettings =>
  first === undefined
    ? settings
    : {
        ...settings,
        startRate: first.load.requestsPerSecond,
        ceilingRate: Number(first.varied["ceilingRate"] ?? Number.POSITIVE_INFINITY),
      };
