/** One run of k6: its command line, its end, and what it left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../lib/summary.ts";
import type { LabCatalogue } from "./catalogue.ts";

export type K6Load = {
  readonly url: string;
  readonly route: string;
  readonly profile: string;
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
  /** Rejects with what k6 said when it could not do its work; a missed threshold is no failure. */
  readonly ended: Promise<Sent>;
  /** SIGKILL; `ended` rejects then. */
  kill(): void;
};

export type Sent = {
  readonly summary: Summary;
  /** Ledger and samples. */
  readonly lines: readonly string[];
  /** When k6 had ended. */
  readonly endedAtMs: number;
};

const MAIN = join(import.meta.dirname, "..", "main.ts");
/** k6's exit status when a threshold was missed: the laboratory judges by its own rules. */
const MISSED_THRESHOLD = 99;
/**
 * The API decides within two seconds; what it leaves without a reply is given up soon after. So a virtual user is free
 * again in time, and an overloaded system is seen to fail instead of making k6 drop what it should have sent.
 */
const REPLY_WITHIN_SECONDS = 2.4;
const REPLIES_OF_SECONDS = 2.5;
const LEAST_VUS = 50;
/** Each takes a megabyte and 5 ms of k6's time before the run begins. */
const MOST_VUS = 1_800;
/** The system starts at the same time. */
const WAIT_SECONDS = 60;
const SAID_CHARACTERS = 2_000;

/** Those of `k6 run`. */
export const k6Arguments = (load: K6Load, folder: string): string[] => {
  const { profile, requestsPerSecond, probesPerSecond, catalogue } = load;
  const mostVus = Math.min(MOST_VUS, Math.max(LEAST_VUS, Math.ceil(requestsPerSecond * REPLIES_OF_SECONDS)));
  const settings: Record<string, string | number> = {
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
    MAX_VUS: profile === "constant" ? mostVus : MOST_VUS,
    REPLY_WITHIN: REPLY_WITHIN_SECONDS,
    WAIT: WAIT_SECONDS,
  };
  return [
    "run",
    "--quiet",
    "--no-usage-report",
    "--no-color",
    `--console-output=${join(folder, "console.txt")}`,
    "--log-format=raw",
    ...Object.entries(settings).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    MAIN,
  ];
};

/** It runs where this process does: on the generator's cores. */
export const send = (command: string, load: K6Load, folder: string): Sending => {
  const child = spawn(command, k6Arguments(load, folder), {
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
      throw new Error(`k6 ended with ${signal ?? `status ${code}`}: ${said.trim() || "it said nothing"}`);
    const console = readFileSync(join(folder, "console.txt"), "utf8");
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
