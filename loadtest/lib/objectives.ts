/** k6's thresholds: SLO-I, the interactive objective, and what makes a run void. A missed one is k6's exit status 99. */
import { type Plan, type Planned, vusFor } from "./scenarios.ts";
import { isConstant } from "./schedule.ts";

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
const MOST_LAG_MS = 10;
/** A slope begins only when k6 has woken its virtual users; how long that took, only the summary can tell. */
const WAKING_MS_PER_VU = 0.1;
/** The first seconds of a slope are few requests, of which one slow one is the 99th percentile. */
const ABORT_AFTER = "10s";

export const thresholdsOf = (
  { scenarios, stopsAtLimit }: Plan,
  mostVus: number,
): Record<string, Threshold[]> => {
  const hasProbe = scenarios.some(({ sends }) => sends === "probes");
  const objectives = Object.entries({ ...OBJECTIVES, ...(hasProbe && FRESHNESS) });
  const stop = stopsAtLimit ? { abortOnFail: true, delayAbortEval: ABORT_AFTER } : {};
  const arrivals = scenarios.filter(({ schedule }) => schedule !== null);
  return {
    ...Object.fromEntries(objectives.map(([name, threshold]) => [name, [{ threshold, ...stop }]])),
    ...Object.fromEntries(
      arrivals.map((each) => [`schedule_lag{scenario:${each.name}}`, lagThreshold(each, mostVus)]),
    ),
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

const lagThreshold = ({ schedule }: Planned, mostVus: number): Threshold[] => {
  const isSlope = schedule !== null && !isConstant(schedule);
  const wakingMs = isSlope ? vusFor(schedule, mostVus) * WAKING_MS_PER_VU : 0;
  return [{ threshold: `p(99)<=${Math.ceil(MOST_LAG_MS + wakingMs)}` }];
};
