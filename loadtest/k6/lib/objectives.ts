/** Objectives of a run: SLO-I (interactive), and limits beyond which its figures describe the generator. */
import type { Plan, Planned } from "./plan.ts";

export type Objective = {
  /** By its name in k6: "schedule_lag{scenario:orders}". */
  readonly figure: string;
  readonly stat: "p(99)" | "rate" | "count";
  readonly most: number;
  /** The run ends when it is missed. */
  readonly endsRun: boolean;
};

const INTERACTIVE = [
  { figure: "order_latency", stat: "p(99)", most: 100 },
  { figure: "orders_failed", stat: "rate", most: 0.001 },
] as const;
const FRESHNESS = [
  { figure: "order_freshness", stat: "p(99)", most: 1_000 },
  { figure: "freshness_missed", stat: "count", most: 0 },
] as const;
const MOST_LAG_MS = 10;

/** `lagAllowanceMs`: lateness that a generator cannot avoid at the start of a scenario. */
export const objectivesOf = (
  { scenarios, stopsAtLimit }: Plan,
  lagAllowanceMs: (planned: Planned) => number = () => 0,
): Objective[] => {
  const hasProbe = scenarios.some(({ sends }) => sends === "probes");
  const met = [...INTERACTIVE, ...(hasProbe ? FRESHNESS : [])];
  const arrivals = scenarios.filter(({ schedule }) => schedule !== null);
  return [
    ...met.map((each) => ({ ...each, endsRun: stopsAtLimit })),
    ...arrivals.flatMap((planned): Objective[] => {
      const scenario = `{scenario:${planned.name}}`;
      const mostLagMs = Math.ceil(MOST_LAG_MS + lagAllowanceMs(planned));
      return [
        { figure: `schedule_lag${scenario}`, stat: "p(99)", most: mostLagMs, endsRun: false },
        { figure: `dropped_iterations${scenario}`, stat: "count", most: 0, endsRun: stopsAtLimit },
      ];
    }),
  ];
};

export const thresholdOf = ({ stat, most }: Objective): string => `${stat}<=${most}`;

/** The objectives that were missed, as "order_latency p(99)<=100". */
export const missedOf = (
  objectives: readonly Objective[],
  isMissed: (objective: Objective) => boolean,
): string[] =>
  objectives.filter(isMissed).map((objective) => `${objective.figure} ${thresholdOf(objective)}`);
