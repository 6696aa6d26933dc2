/** The two objectives (SCALE.md), and whether a run meets them; and what makes a run void. */
import { msText, percentText } from "../report/numbers.ts";
import { GENERATORS, type Run } from "../run/results.ts";

export type ObjectiveName = "interactive" | "relaxed";

export type Objective = {
  readonly label: string;
  readonly ackP99Ms: number;
  readonly freshnessP99Ms: number;
  readonly errorShare: number;
};

export const OBJECTIVES: Readonly<Record<ObjectiveName, Objective>> = {
  interactive: { label: "SLO-I", ackP99Ms: 100, freshnessP99Ms: 1_000, errorShare: 0.001 },
  relaxed: { label: "SLO-R", ackP99Ms: 500, freshnessP99Ms: 65_000, errorShare: 0.001 },
};

export const OBJECTIVE_NAMES = ["interactive", "relaxed"] as const satisfies readonly ObjectiveName[];

export type Judgement = {
  readonly holds: boolean;
  /** A sentence for each bound that does not hold. */
  readonly because: readonly string[];
};

/** The route with no backend: nothing of it ever becomes visible. */
const NULL_MODE = "null";

type Judged = Pick<Run, "mode" | "load" | "ackMs" | "freshnessMs" | "errorShare" | "audit" | "backlogGrew">;

/** Of a run that counts; a void one is neither good nor bad. */
export const judge = (run: Judged, name: ObjectiveName): Judgement => {
  const objective = OBJECTIVES[name];
  const { ackMs, freshnessMs, errorShare, audit } = run;
  const because: string[] = [];
  const atMost = (what: string, value: number, bound: number, text: (value: number) => string): void => {
    // rounded, what is a little too much would read like the bound itself
    const said = text(value) === text(bound) ? String(value) : text(value);
    if (!(value <= bound)) because.push(`${what} ${said} > ${text(bound)}`);
  };
  if (ackMs.count === 0) because.push("nothing was acknowledged");
  atMost("reply p99", ackMs.p99, objective.ackP99Ms, msText);
  atMost("errors", errorShare, objective.errorShare, percentText);
  if (run.mode !== NULL_MODE) {
    if (freshnessMs === null || freshnessMs.count === 0) because.push("freshness was not measured");
    else atMost("freshness p99", freshnessMs.p99, objective.freshnessP99Ms, msText);
  }
  if (audit.lost > 0) because.push(`${audit.lost} lost`);
  if (audit.countedTwice > 0) because.push(`${audit.countedTwice} counted twice`);
  if (run.backlogGrew) because.push("the backlog grew");
  return { holds: because.length === 0, because };
};

/** What a run says of an objective; a void one neither yes nor no. */
export type Standing = "holds" | "fails" | "void";

export const standingOf = (run: Run, name: ObjectiveName): Standing => {
  if (run.voids.length > 0) return failsThoughLate(run, name) ? "fails" : "void";
  return judge(run, name).holds ? "holds" : "fails";
};

/** Why it does not count, and whether the rate counts as failed all the same. */
export const voidText = (run: Run): string =>
  `void${standingOf(run, "interactive") === "fails" ? ", and failed all the same" : ""}: ${run.voids.join("; ")}`;

/** Times the errors of an objective. */
const FAR_TOO_MANY = 10;

/**
 * A system that stalls makes the generator late: it drops what it has no virtual user for, and then has hundreds of
 * replies to read at once. Such a run sent less than was planned, so what fails in it fails. It has failed where the
 * backlog grew, or replies took too long even from when the requests really left, with the generator's own lateness
 * taken off, as it may have read them as late as it sent; or far more was refused than a burst of late ones explains.
 */
const failsThoughLate = (run: Run, name: ObjectiveName): boolean => {
  if (run.audit.problems.length > 0 || isGeneratorFull(run) || isStolen(run)) return false;
  const { ackP99Ms, errorShare } = OBJECTIVES[name];
  const tookMs = run.replyMs.p99 - run.scheduleLagMs.p99;
  return run.backlogGrew || tookMs > ackP99Ms || run.errorShare > errorShare * FAR_TOO_MANY;
};

const isStolen = ({ machine }: Run): boolean => (machine?.stolenShare ?? 0) > MOST_STOLEN_SHARE;

export const isGeneratorFull = (run: Run): boolean => generatorShare(run) > MOST_GENERATOR_SHARE;

/** Of the cores that it was given. */
export const generatorShare = ({ resources, measuredSeconds }: Run): number =>
  Object.entries(resources)
    .filter(([name]) => GENERATORS.has(name))
    .reduce((sum, [, { cpuSeconds, cores }]) => sum + cpuSeconds / (measuredSeconds * cores), 0);

/** Beyond these bounds a run shows a limit of the generator or a failed audit, and not the speed of the system. */
export const MOST_GENERATOR_SHARE = 0.8;
const MOST_SCHEDULE_LAG_P99_MS = 10;
/** Of the machine's time, by its host for others: a virtual machine that was not there for so long was not measured. */
const MOST_STOLEN_SHARE = 0.03;

/** `generatorShare` is of the cores that the generator was given. */
export const voidsOf = (figures: {
  /** A fault came before the measured time. */
  readonly isFaultEarly?: boolean;
  readonly droppedIterations: number;
  readonly generatorShare: number;
  readonly scheduleLagP99Ms: number;
  readonly stolenShare: number;
  readonly auditProblems: readonly string[];
}): string[] => {
  const { droppedIterations, generatorShare, scheduleLagP99Ms, stolenShare, auditProblems } = figures;
  return [
    ...(figures.isFaultEarly ? ["its fault came before the measured time"] : []),
    ...(droppedIterations > 0 ? [`the generator dropped ${droppedIterations} iterations`] : []),
    ...(generatorShare > MOST_GENERATOR_SHARE
      ? [
          `the generator took ${percentText(generatorShare)} of its cores > ${percentText(MOST_GENERATOR_SHARE)}`,
        ]
      : []),
    ...(scheduleLagP99Ms > MOST_SCHEDULE_LAG_P99_MS
      ? [`schedule lag p99 ${msText(scheduleLagP99Ms)} > ${msText(MOST_SCHEDULE_LAG_P99_MS)}`]
      : []),
    ...(stolenShare > MOST_STOLEN_SHARE
      ? [`the host took ${percentText(stolenShare)} of the machine > ${percentText(MOST_STOLEN_SHARE)}`]
      : []),
    ...auditProblems.map((problem) => `audit: ${problem}`),
  ];
};
