/**
 * What is kept of a run, and the folder it is kept in. The experimenter writes it once; everything that is said of a run
 * is made from here, so that whoever doubts a figure can make it again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** All in the unit of what they are percentiles of. Of nothing (`count` 0) all are 0. */
export type Percentiles = {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly count: number;
};

export type Scale = "smoke" | "standard" | "full";

/** Over the measured time, without warm-up and drain. */
export type Resource = {
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** How many it was given. */
  readonly cores: number;
};

/** What sends, listens and looks on: on the generator's cores, and no cost of the system. */
export const GENERATORS: ReadonlySet<string> = new Set(["node", "k6", "lean", "wrk", "clients", "lab"]);

/** What sends orders at planned times: the Node generator, and in E0 k6 too. */
export type GeneratorName = "k6" | "node";

/** `run.json`. Times are in milliseconds unless they are named otherwise. */
export type Run = {
  readonly format: 1;
  /** "E2" */
  readonly experiment: string;
  /** "v2 1-order 1600/s" */
  readonly point: string;
  readonly mode: string;
  readonly repetition: number;
  readonly attempt: number;
  readonly startedAt: string;
  readonly commit: string;
  readonly scale: Scale;
  /** In words: "202: fsynced in Redis (appendfsync always)". */
  readonly durability: string;
  /** What was set other than by default. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the experiment varies here; `verdicts.ts` says which names it reads. */
  readonly varied: Readonly<Record<string, number | string>>;
  readonly load: {
    readonly profile: string;
    /** `lean`: the Node generator, as results of 2026 name it. k6 where it is missing. */
    readonly generator?: GeneratorName | "lean";
    readonly requestsPerSecond: number;
    readonly ordersPerRequest: number;
    readonly warmUpSeconds: number;
    readonly seconds: number;
  };
  /** Why it does not count; empty when it does. */
  readonly voids: readonly string[];
  /** Orders, those of warm-up and probes among them; iterations are requests. */
  readonly ledger: {
    readonly iterations: number;
    readonly acknowledged: number;
    readonly refused: number;
    readonly unknown: number;
  };
  readonly audit: {
    readonly problems: readonly string[];
    readonly lost: number;
    readonly countedTwice: number;
    readonly stored: number;
    readonly counted: number;
  };
  /** Of acknowledged requests of the measured time, from when they were planned. */
  readonly ackMs: Percentiles;
  /** Of the same requests, from when the generator really sent them. */
  readonly replyMs: Percentiles;
  /** Of the probes: what is in no other figure, but was work for the system. */
  readonly probeOrders?: number;
  readonly freshnessMs: Percentiles | null;
  readonly scheduleLagMs: Percentiles;
  /** Of all requests of the measured time. */
  readonly errorShare: number;
  readonly backlogGrew: boolean;
  readonly drainedSeconds: number;
  /** By process: order-api, worker-v2, postgres, redis-stream, redis-board, kafka, and those of `GENERATORS`. */
  readonly resources: Readonly<Record<string, Resource>>;
  readonly measuredSeconds: number;
  /** What the machine itself was like. */
  readonly machine?: {
    /** Of one core, in MB/s of SHA-256 by its CPU time: the mean of a look each second. */
    readonly hashingSpeed: number;
    /** Of all cores' time, by whoever else runs on the host. */
    readonly stolenShare: number;
  };
  readonly servers: {
    readonly postgres?: Readonly<Record<string, number>>;
    readonly stream?: Readonly<Record<string, number>>;
    readonly board?: Readonly<Record<string, number>>;
    readonly kafka?: Readonly<Record<string, number>>;
  };
  readonly bottleneck: { readonly resource: string; readonly because: string } | null;
  readonly fault?: {
    readonly what: string;
    readonly downtimeSeconds: number;
    /** Null when it had not recovered by the end. */
    readonly recoverySeconds: number | null;
  };
  readonly websocket?: {
    readonly clients: number;
    readonly framesPerSecond: number;
    readonly delayP99: number;
    readonly bytesPerClient: number;
    readonly slowShare: number;
  };
};

/** A line of `seconds.json`; `t` is in seconds since the measured time began. Percentiles of a second without any are null. */
export type Second = {
  readonly t: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly ackP50: number | null;
  readonly ackP99: number | null;
  readonly freshP50: number | null;
  readonly freshP99: number | null;
  readonly lagOrders: number;
  /** By process; 1 is one core. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly rss: Readonly<Record<string, number>>;
};

/** `env.json`, one per suite. */
export type Environment = {
  readonly format: 1;
  readonly startedAt: string;
  readonly commit: string;
  readonly scale: Scale;
  readonly seed: number;
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Of node, postgres, redis, kafka, and k6 where it is installed. */
  readonly versions: Readonly<Record<string, string>>;
  /** In words: "none; generator and system share both cores". */
  readonly pinning: string;
  /** Whether the generator runs on cores of the system. Then only ratios mean anything. */
  readonly isShared: boolean;
  /** Every knob that the scale turned down, in words. */
  readonly turnedDown: readonly string[];
};

export const generatorOf = ({ load }: Pick<Run, "load">): GeneratorName =>
  load.generator === "lean" ? "node" : (load.generator ?? "k6");

export type KeptRun = {
  readonly run: Run;
  /** Beneath the suite's folder. */
  readonly folder: string;
  /** Read when asked for: only few pictures need them. Empty when none were kept. */
  seconds(): readonly Second[];
};

export type Suite = {
  readonly env: Environment;
  /** By experiment, then by time. */
  readonly runs: readonly KeptRun[];
};

const RUN_FILE = "run.json";
const SECONDS_FILE = "seconds.json";
const ENVIRONMENT_FILE = "env.json";

/** Where a run is kept beneath the suite's folder: by experiment, mode, and point with its repetition. */
export const folderOf = ({ experiment, mode, point, repetition, attempt }: Run): string => {
  const name = point.startsWith(`${mode} `) ? point.slice(mode.length + 1) : point;
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const again = attempt > 1 ? `-attempt-${attempt}` : "";
  return join(experiment, mode, `${words || "point"}-${repetition}${again}`);
};

/** The run comes last and whole: a folder that has it is complete. Returns the folder. */
export const writeRun = (suiteFolder: string, run: Run, seconds: readonly Second[]): string => {
  const folder = join(suiteFolder, folderOf(run));
  const lines = seconds.map((second) => JSON.stringify(second)).join(",\n");
  writeWhole(join(folder, SECONDS_FILE), `[\n${lines}\n]\n`);
  writeWhole(join(folder, RUN_FILE), `${JSON.stringify(run, null, 1)}\n`);
  return folder;
};

export const writeEnvironment = (suiteFolder: string, env: Environment): void =>
  writeWhole(join(suiteFolder, ENVIRONMENT_FILE), `${JSON.stringify(env, null, 1)}\n`);

/** All that is complete of a suite, void or not. Throws when there is no environment, or a format it does not know. */
export const readSuite = (suiteFolder: string): Suite => {
  const env = readFormat<Environment>(join(suiteFolder, ENVIRONMENT_FILE));
  const runs = readdirSync(suiteFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === RUN_FILE)
    .map((entry) => readRun(suiteFolder, entry.parentPath))
    .sort(byExperimentAndTime);
  return { env, runs };
};

/** "E2" before "E10"; equal times, which only made-up runs have, by folder. */
export const byExperimentAndTime = (a: KeptRun, b: KeptRun): number =>
  Number(a.run.experiment.slice(1)) - Number(b.run.experiment.slice(1)) ||
  compareTexts(a.run.startedAt, b.run.startedAt) ||
  compareTexts(a.folder, b.folder);

/** By code units: no locale of a machine changes what is committed. */
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const readRun = (suiteFolder: string, folder: string): KeptRun => {
  const file = join(folder, SECONDS_FILE);
  return {
    run: readFormat<Run>(join(folder, RUN_FILE)),
    folder: relative(suiteFolder, folder),
    seconds: () => (existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Second[]) : []),
  };
};

const readFormat = <Kept extends { readonly format: 1 }>(file: string): Kept => {
  const kept = JSON.parse(readFileSync(file, "utf8")) as { format?: unknown };
  if (kept.format !== 1) throw new Error(`${file} has format ${String(kept.format)}, and only 1 is known`);
  return kept as Kept;
};

/** Whole or not at all: an interrupted suite goes on with what it has. */
const writeWhole = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};
