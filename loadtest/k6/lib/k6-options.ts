/** A plan as k6's options: its scenarios and thresholds. */
import { objectivesOf, thresholdOf } from "./objectives.ts";
import { mostUnderWay, type Plan, type Planned, VISIBLE_WITHIN_MS } from "./plan.ts";
import { isConstant } from "./schedule.ts";
import { DEFAULT_REPLY_WITHIN_SECONDS, type Settings } from "./settings.ts";

/** k6 waits for pending replies, so that every order has an outcome. */
const REPLIES_AFTER_END_MS = (DEFAULT_REPLY_WITHIN_SECONDS + 5) * 1_000;
const PROBES_AFTER_END_MS = VISIBLE_WITHIN_MS + REPLIES_AFTER_END_MS;
/** WebSockets per virtual user of k6, which needs a megabyte. */
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

/** k6 starts a slope after it has started its virtual users. Only the summary shows how long that took. */
const WAKING_MS_PER_VU = 0.1;
/** The first seconds of a slope have few requests: a single slow one is their 99th percentile. */
export const ENDS_AFTER_SECONDS = 10;

export const k6Objectives = (plan: Plan, settings: Settings) =>
  objectivesOf(plan, ({ schedule }) =>
    schedule === null || isConstant(schedule) ? 0 : mostUnderWay(schedule, settings) * WAKING_MS_PER_VU,
  );

/** k6 exits with status 99 when a threshold is missed. */
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
  // not an objective: k6 counts iterations by scenario only where a threshold reads them
  ...Object.fromEntries(
    plan.scenarios.map(({ name }) => [`iterations{scenario:${name}}`, [{ threshold: "count>=0" }]]),
  ),
});
