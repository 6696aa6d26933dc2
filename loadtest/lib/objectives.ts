/** k6's thresholds: SLO-I, the interactive objective, and what makes a run void. A missed one is k6's exit status 99. */
import type { Plan } from "./scenarios.ts";

type Threshold = {
  readonly threshold: string;
  readonly abortOnFail?: boolean;
  readonly delayAbortEval?: string;
};

/** Of what a customer meets. */
const OBJECTIVES: Readonly<Record<string, string>> = {
  order_latency: "p(99)<=100",
  orders_failed: "rate<=0.001",
};
const FRESHNESS: Readonly<Record<string, string>> = {
  order_freshness: "p(99)<=1000",
  freshness_missed: "count==0",
};
/** Of the generator: beyond it, figures speak of k6 and not of the system. */
const SCHEDULE_LAG = "p(99)<=10";
/** The first seconds of a slope are few requests, of which one slow one is the 99th percentile. */
const ABORT_AFTER = "10s";

export const thresholdsOf = ({ scenarios, stopsAtLimit }: Plan): Record<string, Threshold[]> => {
  const hasProbe = scenarios.some(({ sends }) => sends === "probes");
  const objectives = Object.entries({ ...OBJECTIVES, ...(hasProbe && FRESHNESS) });
  const stop = stopsAtLimit ? { abortOnFail: true, delayAbortEval: ABORT_AFTER } : {};
  const arrivals = scenarios.filter(({ schedule, isWarmUp }) => schedule !== null && !isWarmUp);
  return {
    ...Object.fromEntries(objectives.map(([name, threshold]) => [name, [{ threshold, ...stop }]])),
    schedule_lag: [{ threshold: SCHEDULE_LAG }],
    ...Object.fromEntries(
      arrivals.map(({ name }) => [
        `dropped_iterations{scenario:${name}}`,
        [{ threshold: "count==0", ...stop }],
      ]),
    ),
    // no objective: k6 counts by scenario only what a threshold asks for
    ...Object.fromEntries(
      scenarios.map(({ name }) => [`iterations{scenario:${name}}`, [{ threshold: "count>=0" }]]),
    ),
  };
};
