/**
 * Which resource gave in first, by a written rule: the first line of the table that holds. The order is from what is
 * most surely the cause to what may be its consequence: a full event loop or a full machine explains waiting commits, not
 * the reverse.
 */
import { numberText, percentText } from "../report/numbers.ts";
import type { Run } from "../run/results.ts";
import type { Capacity } from "../search/capacity.ts";
import { standingOf } from "./objectives.ts";

/** What the experimenter fills in, over the measured time. Null where a thing does not run or was not looked at. */
export type Saturation = {
  /** Cores that the generator used and was given: CPU-seconds by seconds. */
  readonly generator: { readonly used: number; readonly given: number };
  /** Cores used by the order API's one process. Its JavaScript runs on one; helpers of Node may take a little more. */
  readonly apiUsed: number;
  /** Cores used by each worker. */
  readonly workersUsed: readonly number[];
  readonly postgres: {
    /** All its processes together, and how many cores they may use. */
    readonly used: number;
    readonly given: number;
    /** Of samples (once a second) at active sessions: the share in `wait_event` WALSync, WALWrite or WalWriteLock. */
    readonly walWaitShare: number | null;
    /** The share in `wait_event_type` Lock. */
    readonly lockWaitShare: number | null;
  } | null;
  /** Cores used by the process, whose commands run on one thread; and the share of time that its fsyncs took. */
  readonly stream: RedisSaturation | null;
  readonly board: RedisSaturation | null;
  readonly kafka: { readonly used: number; readonly given: number } | null;
  /** Share of the system's cores that was busy, with any process. */
  readonly machineShare: number;
  /** 1 - MemAvailable / MemTotal of /proc/meminfo, at its highest. */
  readonly memoryShare: number;
};
type RedisSaturation = { readonly used: number; readonly fsyncShare: number | null };

export type Rule = {
  readonly resource: string;
  readonly atLeast: number;
  /** Of what the share is, and where it is read. */
  readonly of: string;
  readonly source: string;
  share(saturation: Saturation): number | null;
};

const partOf = (part: { readonly used: number; readonly given: number } | null): number | null =>
  part === null || part.given === 0 ? null : part.used / part.given;

/** The first rule voids a run and names no bottleneck. */
const GENERATOR: Rule = {
  resource: "generator",
  atLeast: 0.8,
  of: "of the cores given to it; makes the run void",
  source: "/proc/<pid>/stat",
  share: ({ generator }) => partOf(generator),
};

export const RULES: readonly Rule[] = [
  GENERATOR,
  {
    resource: "order API's event loop",
    atLeast: 0.9,
    of: "of one core, by the one process",
    source: "/proc/<pid>/stat",
    share: ({ apiUsed }) => apiUsed,
  },
  {
    resource: "worker's event loop",
    atLeast: 0.9,
    of: "of one core, by the busiest worker",
    source: "/proc/<pid>/stat",
    share: ({ workersUsed }) => (workersUsed.length === 0 ? null : Math.max(...workersUsed)),
  },
  {
    resource: "PostgreSQL's CPU",
    atLeast: 0.9,
    of: "of its cores, by all its processes",
    source: "/proc/<pid>/stat",
    share: ({ postgres }) => partOf(postgres),
  },
  {
    resource: "Redis' one thread (stream)",
    atLeast: 0.9,
    of: "of one core",
    source: "/proc/<pid>/stat",
    share: ({ stream }) => stream?.used ?? null,
  },
  {
    resource: "Redis' one thread (board)",
    atLeast: 0.9,
    of: "of one core",
    source: "/proc/<pid>/stat",
    share: ({ board }) => board?.used ?? null,
  },
  {
    resource: "Kafka's CPU",
    atLeast: 0.9,
    of: "of its cores",
    source: "/proc/<pid>/stat",
    share: ({ kafka }) => partOf(kafka),
  },
  {
    resource: "the machine",
    atLeast: 0.95,
    of: "of the system's cores, with no process at its own limit",
    source: "/proc/stat",
    share: ({ machineShare }) => machineShare,
  },
  {
    resource: "PostgreSQL's commits",
    atLeast: 0.5,
    of: "of active sessions, at least one in each sample, waiting for the log (WALSync, WALWrite)",
    source: "pg_stat_activity, once a second",
    share: ({ postgres }) => postgres?.walWaitShare ?? null,
  },
  {
    resource: "PostgreSQL's locks",
    atLeast: 0.5,
    of: "of active sessions, at least one in each sample, waiting for a lock",
    source: "pg_stat_activity, once a second",
    share: ({ postgres }) => postgres?.lockWaitShare ?? null,
  },
  {
    resource: "Redis' fsync (stream)",
    atLeast: 0.5,
    of: "of the time in fsync",
    source: "LATENCY and INFO persistence, once a second",
    share: ({ stream }) => stream?.fsyncShare ?? null,
  },
  {
    resource: "memory",
    atLeast: 0.95,
    of: "of what the machine has",
    source: "/proc/meminfo",
    share: ({ memoryShare }) => memoryShare,
  },
];

/** Null when no rule holds ("not found"), and when the generator was the limit: `isVoid` then says so. */
export const bottleneckOf = (
  saturation: Saturation,
): { readonly isVoid: boolean; readonly bottleneck: Run["bottleneck"] } => {
  for (const rule of RULES) {
    const share = rule.share(saturation);
    if (share === null || !(share >= rule.atLeast)) continue;
    if (rule === GENERATOR) return { isVoid: true, bottleneck: null };
    const because = `${percentText(share)} ${rule.of} ≥ ${percentText(rule.atLeast)}`;
    return { isVoid: false, bottleneck: { resource: rule.resource, because } };
  }
  return { isVoid: false, bottleneck: null };
};

/** The rule as a table, as SCALE.md has it. */
export const ruleRows = (): string[][] =>
  RULES.map(({ resource, atLeast, of, source }, index) => [
    String(index + 1),
    resource,
    `≥ ${percentText(atLeast)} ${of}`,
    source,
  ]);

/** What gave in first, of the runs of one search. */

/**
 * By the rule of bottleneck.ts, at the lowest failing rate at which it names something: where that is not the first one,
 * the rate in orders per second is said too, and at last what a closed loop found full. Replies may be late long before
 * anything is full. Where nothing failed, at the rate that held.
 */
export const firstBottleneck = (
  runs: readonly Run[],
  peaks: readonly Run[],
  { rate, firstFailing }: Pick<Capacity, "rate" | "firstFailing">,
): string => {
  if (firstFailing === null) return named(runs.filter(({ load }) => load.requestsPerSecond === rate)) ?? NONE;
  const failed = runs.filter(
    (run) => standingOf(run, "interactive") === "fails" && run.load.requestsPerSecond >= firstFailing.rate,
  );
  const byRate = [...Map.groupBy(failed, ({ load }) => load.requestsPerSecond)].sort(([a], [b]) => a - b);
  for (const [at, group] of byRate) {
    const resource = named(group);
    if (resource === null) continue;
    return at === firstFailing.rate ? resource : `${resource}, at ${ordersText(group)}/s`;
  }
  const full = named(peaks);
  return full === null ? NONE : `${full}, at ${ordersText(peaks)}/s sent without pause`;
};

const NONE = "not found";

/** The bottleneck named in most of these runs; null if none names one. */
const named = (runs: readonly Run[]): string | null => {
  const resources = runs.flatMap(({ bottleneck }) => bottleneck?.resource ?? []);
  const counts = [...Map.groupBy(resources, (each) => each)].sort(([, a], [, b]) => b.length - a.length);
  return counts[0]?.[0] ?? null;
};

const ordersText = ([run]: readonly Run[]): string =>
  run === undefined ? "" : numberText(run.load.requestsPerSecond * run.load.ordersPerRequest);
