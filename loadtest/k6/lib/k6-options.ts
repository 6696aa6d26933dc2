/** A plan as k6's options: its scenarios and thresholds. */
import { objectivesOf, thresholdOf } from "./objectives.ts";
import { mostUnderWay, type Plan, type Planned, VISIBLE_WITHIN_MS } from "./plan.ts";
import { isConstant } from "./schedule.ts";
import { DEFAULT_REPLY_WITHIN_SECONDS, type Settings } from "./settings.ts";

/** No order is left without an outcome: k6 waits for replies that are under way. */
const REPLIES_AFTER_END_MS = (DEFAULT_REPLY_WITHIN_SECONDS + 5) * 1_000;
const PROBES_AFTER_END_MS = VISIBLE_WITHIN_MS + REPLIES_AFTER_END_MS;
/** Connections that one of k6's virtual users holds: a virtual user takes a megabyte. */
export const CONNECTIONS_PER_VU = 50;

export type Scenario = Readonly<Record<string, unknown>> & { readonly executor: string };

export const k6Scenarios = (plan: Plan, settings: Settings): Record<string, Scenario> =>
  Object.fromEntries(plan.scenarios.map((each) => [each.name, scenarioOf(each, plan, settings)]));

const EXEC = { orders: "order", dashboards: "read", probes: "probe", nothing: "watch" } as const;

const scenarioOf = (planned: Planned, plan: Plan, settings: Settings): Scenario => {
  const { sends, startMs, durationMs, schedule } = planned;
  const common = { exec: EXEC[sends], startTime: `${startMs}ms` };
  if (schedule === null) {
    const isProbe = sends === "probes";
    return {
      executor: "per-vu-iterations",
      ...common,
      vus: isProbe ? 1 : Math.ceil(plan.watchers / CONNECTIONS_PER_VU),
      iterations: 1,
      maxDuration: `${durationMs + (isProbe ? PROBES_AFTER_END_MS : 0)}ms`,
      gracefulStop: `${REPLIES_AFTER_END_MS}ms`,
    };
  }
  const vus = mostUnderWay(schedule, settings);
  const pool = { preAllocatedVUs: vus, maxVUs: vus, gracefulStop: `${REPLIES_AFTER_END_MS}ms` };
  const timeUnit = `${schedule.unitMs}ms`;
  if (isConstant(schedule))
    return {
      executor: "constant-arrival-rate",
      ...common,
      ...pool,
      timeUnit,
      rate: schedule.from,
      duration: `${durationMs}ms`,
    };
  return {
    executor: "ramping-arrival-rate",
    ...common,
    ...pool,
    timeUnit,
    startRate: schedule.from,
    stages: schedule.stages.map(({ to, durationMs: ms }) => ({ target: to, duration: `${ms}ms` })),
  };
};

export type Threshold = {
  readonly threshold: string;
  readonly abortOnFail?: boolean;
  readonly delayAbortEval?: string;
};

/** A slope begins only when k6 has woken its virtual users; how long that took, only the summary shows. */
const WAKING_MS_PER_VU = 0.1;
/** The first seconds of a slope are few requests: one slow request is their 99th percentile. */
export const ENDS_AFTER_SECONDS = 10;

export const k6Objectives = (plan: Plan, settings: Settings) =>
  objectivesOf(plan, ({ schedule }) =>
    schedule === null || isConstant(schedule) ? 0 : mostUnderWay(schedule, settings) * WAKING_MS_PER_VU,
  );

/** A missed one is k6's exit status 99. */
export const k6Thresholds = (plan: Plan, settings: Settings): Record<string, Threshold[]> => ({
  ...Object.fromEntries(
    k6Objectives(plan, settings).map((objective) => [
      objective.figure,
      [
        {
          threshold: thresholdOf(objective),
          ...(objective.endsRun && { abortOnFail: true, delayAbortEval: `${ENDS_AFTER_SECONDS}s` }),
        },
      ],
    ]),
  ),
  // no objective: k6 counts by scenario only what a threshold asks for
  ...Object.fromEntries(
    plan.scenarios.map(({ name }) => [`iterations{scenario:${name}}`, [{ threshold: "count>=0" }]]),
  ),
});
