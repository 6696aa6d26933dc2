/** What is kept of a run and of a suite. Reports derive every figure from these records; result-files.ts reads and writes them. */

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
  /** The proportional share (PSS): memory shared by processes counts once. */
  readonly peakRssBytes: number;
  /** The whole resident memory (RSS), as a program of the product reports it at /metrics. */
  readonly peakResidentBytes?: number;
  /** How many it was given. */
  readonly cores: number;
};

/** Processes that send, listen and sample: they run on the generator's cores and are no cost of the system. */
export const GENERATORS: ReadonlySet<string> = new Set([
  "node",
  "k6",
  "lean",
  "wrk",
  "wrk-2",
  "socket-loop",
  "clients",
  "lab",
]);

/** What sends orders at planned times: the Node generator, and in E0 k6 too. */
export type GeneratorName = "k6" | "node";

/** A run in `E2.json`. Times are in milliseconds unless they are named otherwise. */
export type Run = {
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
  /** What the experiment varies here; report/hypotheses.ts lists the names that verdicts read. */
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
    /** Of one core, in MB/s of SHA-256 by its CPU time: the mean of one sample per second. */
    readonly hashingSpeed: number;
    /** Share of all cores' time that other guests of the host took. */
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

/** One second of a run; `t` is in seconds since the measured time began. Percentiles of a second without any are null. */
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
  readonly format: 2;
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
  /** Of the run within its suite (`runId`). */
  readonly id: string;
  /** Read on demand: only few pictures need them. Empty when none were kept. */
  seconds(): readonly Second[];
};

export type Suite = {
  readonly env: Environment;
  /** By experiment, then by time. */
  readonly runs: readonly KeptRun[];
};
