/** One run of a generator, k6 or the lean one: its command line, its end, and what it left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { Summary } from "../../lib/summary.ts";
import type { GeneratorName } from "../run/results.ts";
import type { LabCatalogue } from "./catalogue.ts";

export type Load = {
  readonly generator: GeneratorName;
  readonly url: string;
  readonly route: string;
  readonly profile: string;
  /** Peaks or faults are to come. */
  readonly isPatient: boolean;
  readonly requestsPerSecond: number;
  readonly ordersPerRequest: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** 0 is no probe. */
  readonly probesPerSecond: number;
  readonly catalogue: Pick<LabCatalogue, "file" | "probeStores">;
  readonly seed: number;
  readonly run: number;
  readonly runStartMs: number;
};

export type Sending = {
  pid(): number;
  /** Rejects with what it said when it could not do its work; a missed threshold is no failure. */
  readonly ended: Promise<Sent>;
  /** SIGKILL; `ended` rejects then. */
  kill(): void;
};

export type Sent = {
  readonly summary: Summary;
  /** Ledger and samples. */
  readonly lines: readonly string[];
  /** When it had ended. */
  readonly endedAtMs: number;
};

const K6_MAIN = join(import.meta.dirname, "..", "..", "main.ts");
const LEAN_MAIN = join(import.meta.dirname, "..", "..", "lean", "main.ts");
/** k6's exit status when a threshold was missed: the laboratory judges by its own rules. */
const MISSED_THRESHOLD = 99;
type Patience = {
  /** Without a reply a request is given up after this. */
  readonly replyWithinSeconds: number;
  /** Virtual users, as the time whose requests they can hold: a little more, so that k6 drops nothing. */
  readonly usersForSeconds: number;
};
/**
 * At a steady rate a reply after more than a second fails either objective, however late it comes. Each virtual user
 * takes a megabyte, and 5 ms of k6's time before the run begins.
 */
const STEADY: Patience = { replyWithinSeconds: 1.2, usersForSeconds: 1.25 };
/** Through peaks and faults clients wait for what the API decides, which it does within two seconds. */
const PATIENT: Patience = { replyWithinSeconds: 2.4, usersForSeconds: 2.5 };
const LEAST_VUS = 50;
/**
 * Under way at most. A virtual user of k6 is a megabyte and some CPU, a connection of the lean generator next to nothing:
 * so many are the half second of SLO-R at 20 000 requests a second.
 */
const MOST_USERS: Readonly<Record<GeneratorName, number>> = { k6: 1_800, lean: 10_000 };
const MIB = 2 ** 20;
/**
 * k6's garbage is left lying until it takes a quarter of the machine's memory. On one core a sweep of a thousand virtual
 * users takes two seconds, in which requests leave up to 40 ms late: with sweeps (GOGC=400) the lag's p99 was 23 ms at
 * 624 requests a second, without any 1.3 ms, for a quarter less CPU.
 */
const GO_SETTINGS = ["GOGC=off", `GOMEMLIMIT=${Math.floor(totalmem() / 4 / MIB)}MiB`];
/** The system starts at the same time. */
const WAIT_SECONDS = 60;
const SAID_CHARACTERS = 2_000;

/**
 * What a request leaves behind outlives some collections of the young: small ones are short. At 13 000 requests a second
 * on one core the lag's p99 was 4.2 ms so, and 22.7 ms with 64 MiB.
 */
const NODE_SETTINGS = ["--max-semi-space-size=2", "--single-threaded-gc"];

/** By the names of loadtest/README.md. */
const settingsOf = (load: Load, folder: string): Record<string, string | number> => {
  const { profile, requestsPerSecond, probesPerSecond, catalogue, isPatient } = load;
  const most = MOST_USERS[load.generator];
  const { replyWithinSeconds, usersForSeconds } = isPatient ? PATIENT : STEADY;
  const users = Math.max(LEAST_VUS, Math.ceil(requestsPerSecond * usersForSeconds));
  return {
    BASE_URL: load.url,
    MODE: load.route,
    PROFILE: profile,
    RATE: requestsPerSecond,
    DURATION: load.seconds,
    WARM_UP: load.warmUpSeconds,
    ORDERS_PER_REQUEST: load.ordersPerRequest,
    SEED: load.seed,
    RUN: load.run,
    RUN_START_MS: load.runStartMs,
    CATALOGUE: catalogue.file,
    PROBE_STORES: catalogue.probeStores.join(","),
    PROBES_PER_SECOND: probesPerSecond,
    SAMPLES: 1,
    SUMMARY: join(folder, "summary.json"),
    MAX_VUS: profile === "constant" ? Math.min(most, users) : most,
    REPLY_WITHIN: replyWithinSeconds,
    WAIT: WAIT_SECONDS,
  };
};

const linesFile = (folder: string): string => join(folder, "console.txt");

/** Those of `k6 run`. */
export const k6Arguments = (load: Load, folder: string): string[] => [
  "run",
  "--quiet",
  "--no-usage-report",
  "--no-color",
  `--console-output=${linesFile(folder)}`,
  "--log-format=raw",
  ...Object.entries(settingsOf(load, folder)).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
  K6_MAIN,
];

/** For `env`, which becomes what it starts. */
const commandLine = (k6: string, load: Load, folder: string): string[] => {
  if (load.generator === "k6") return [...GO_SETTINGS, k6, ...k6Arguments(load, folder)];
  const settings = { ...settingsOf(load, folder), LINES: linesFile(folder) };
  return [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...[process.execPath, ...NODE_SETTINGS, LEAN_MAIN],
  ];
};

/** It runs where this process does: on the generator's cores. */
export const send = (k6: string, load: Load, folder: string): Sending => {
  const child = spawn("env", commandLine(k6, load, folder), {
    stdio: ["ignore", "ignore", "pipe"],
    // a session of its own: Ctrl-C reaches the laboratory, which then ends everything in order
    detached: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID_CHARACTERS);
  });
  const end = async (): Promise<Sent> => {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const endedAtMs = Date.now();
    const file = join(folder, "summary.json");
    if ((code !== 0 && code !== MISSED_THRESHOLD) || !existsSync(file))
      throw new Error(
        `${load.generator} ended with ${signal ?? `status ${code}`}: ${said.trim() || "it said nothing"}`,
      );
    const console = readFileSync(linesFile(folder), "utf8");
    return {
      summary: JSON.parse(readFileSync(file, "utf8")) as Summary,
      lines: console.split("\n"),
      endedAtMs,
    };
  };
  const ended = end();
  // whoever kills it need not wait for it
  ended.catch(() => undefined);
  return { pid: () => child.pid ?? 0, ended, kill: () => void child.kill("SIGKILL") };
};
