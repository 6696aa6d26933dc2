/** One run of a generator: its settings, its end, and what it left behind. The Node generator sends; E0 compares it with k6. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { type Command, type K6, k6Command, nodeCommand, type Settings } from "../../generator.ts";
import type { Summary } from "../../k6/lib/summary.ts";
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
  /** Rejects with its standard error when it failed; a missed objective is no failure. */
  readonly ended: Promise<Sent>;
  /** SIGKILL; `ended` rejects then. */
  kill(): void;
};

export type Sent = {
  readonly summary: Summary;
  /** Ledger and samples. */
  readonly lines: readonly string[];
  readonly endedAtMs: number;
};

/** The exit status when an objective was missed: the laboratory judges by its own rules. */
const MISSED_OBJECTIVE = 99;
type Patience = {
  /** A request without a reply ends after this. */
  readonly replyWithinSeconds: number;
  /** The time whose requests may be under way: a little more. */
  readonly underWaySeconds: number;
};
/** At a steady rate a reply after more than a second fails either objective, however late it comes. */
const STEADY: Patience = { replyWithinSeconds: 1.2, underWaySeconds: 1.25 };
/** Through peaks and faults clients wait for what the API decides, which it does within two seconds. */
const PATIENT: Patience = { replyWithinSeconds: 2.4, underWaySeconds: 2.5 };
const LEAST_UNDER_WAY = 50;
/** The half second of SLO-R at 20 000 requests a second. */
const MOST_UNDER_WAY = 10_000;
/** The system starts at the same time. */
const WAIT_SECONDS = 60;
const STDERR_CHARACTERS = 2_000;

/** By the names of loadtest/README.md. */
export const settingsOf = (load: Load, folder: string): Settings => {
  const { profile, requestsPerSecond, probesPerSecond, catalogue, isPatient } = load;
  const { replyWithinSeconds, underWaySeconds } = isPatient ? PATIENT : STEADY;
  const underWay = Math.max(LEAST_UNDER_WAY, Math.ceil(requestsPerSecond * underWaySeconds));
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
    MAX_VUS: profile === "constant" ? Math.min(MOST_UNDER_WAY, underWay) : MOST_UNDER_WAY,
    REPLY_WITHIN: replyWithinSeconds,
    WAIT: WAIT_SECONDS,
  };
};

/** Of the run's ledger and samples. */
export const linesFile = (folder: string): string => join(folder, "lines.txt");

/**
 * k6's garbage stays until it takes a quarter of the machine's memory. On one core a sweep of a thousand virtual users takes
 * two seconds, in which requests leave up to 40 ms late: with sweeps (GOGC=400) the lag's p99 was 23 ms at 624 requests a
 * second, without any 1.3 ms.
 */
const GO_SETTINGS = ["GOGC=off", `GOMEMLIMIT=${Math.floor(totalmem() / 4 / 2 ** 20)}MiB`];

const commandOf = (load: Load, folder: string, k6: K6 | null): Command => {
  const settings = settingsOf(load, folder);
  if (load.generator === "node") return nodeCommand(settings, linesFile(folder));
  if (k6 === null) throw new Error("this point is sent by k6, which is not installed");
  const { command, args } = k6Command(k6, settings, linesFile(folder), ["--quiet", "--no-color"]);
  return { command: "env", args: [...GO_SETTINGS, command, ...args] };
};

/** It runs where this process does: on the generator's cores. */
export const send = (load: Load, folder: string, k6: K6 | null): Sending => {
  const { command, args } = commandOf(load, folder, k6);
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    // a session of its own: Ctrl-C reaches the laboratory, which then ends everything in order
    detached: true,
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  const end = async (): Promise<Sent> => {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const endedAtMs = Date.now();
    const file = join(folder, "summary.json");
    if ((code !== 0 && code !== MISSED_OBJECTIVE) || !existsSync(file))
      throw new Error(
        `the ${load.generator} generator ended with ${signal ?? `status ${code}`}: ${stderr.trim() || "no output"}`,
      );
    return {
      summary: JSON.parse(readFileSync(file, "utf8")) as Summary,
      lines: readFileSync(linesFile(folder), "utf8").split("\n"),
      endedAtMs,
    };
  };
  const ended = end();
  // a caller that kills it need not wait for it
  ended.catch(() => undefined);
  return { pid: () => child.pid ?? 0, ended, kill: () => void child.kill("SIGKILL") };
};
