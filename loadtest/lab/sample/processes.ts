/**
 * CPU time and memory of processes and everything that they start, as Linux reports it in /proc (proc(5)). PostgreSQL is a
 * process per connection: those that have ended are in their parent's sum, the others are looked up.
 *
 * The sampler shares a core with the load generator, so a sample has to be short: only the named processes are read, and
 * memory, for which the kernel walks every page, only now and then.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Cores } from "../../../dev/system/servers/process.ts";

export type Use = {
  /** When it began, of whatever clock: what differs is another process. 0 while there is none. */
  readonly startedAt: number;
  /** User and system time since it began, in seconds. */
  readonly cpuSeconds: number;
  /** Proportional set size, in bytes: memory that processes share is counted once. 0 where it was not looked at. */
  readonly residentBytes: number;
  /** To disks, in bytes; 0 where the system does not say. */
  readonly writtenBytes: number;
};

/** What /proc counts in: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_KILOBYTE = 1_024;
const PAGE_BYTES = 4_096;
const LISTS_CHILDREN = existsSync(`/proc/self/task/${process.pid}/children`);

/** How memory is read: shared pages divided among their processes, which costs the kernel most; as resident; not at all. */
export type Memory = "shared out" | "resident" | "not now";

/** Of each of these processes, with its children; 0 while one is down. */
export const useOf = (
  pids: ReadonlyMap<string, number>,
  memoryOf: (name: string) => Memory = () => "shared out",
): Map<string, Use> => {
  const sum = (pid: number, memory: Memory): Use => {
    const own = {
      startedAt: startOf(pid),
      cpuSeconds: ticksOf(pid) / TICKS_PER_SECOND,
      residentBytes: BYTES_OF[memory](pid),
      writtenBytes: memory === "not now" ? 0 : writtenBy(pid),
    };
    return childrenOf(pid)
      .map((child) => sum(child, memory))
      .reduce(plus, own);
  };
  return new Map([...pids].map(([name, pid]) => [name, sum(pid, memoryOf(name))]));
};

const plus = (one: Use, other: Use): Use => ({
  startedAt: one.startedAt,
  cpuSeconds: one.cpuSeconds + other.cpuSeconds,
  residentBytes: one.residentBytes + other.residentBytes,
  writtenBytes: one.writtenBytes + other.writtenBytes,
});

/** The lab itself, without the processes it started, which have names of their own. */
export const ownUse = (): Use => {
  const { user, system } = process.cpuUsage();
  return {
    startedAt: performance.timeOrigin,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    writtenBytes: 0,
  };
};

export type MachineSeconds = { readonly busy: number; readonly stolen: number; readonly all: number };

/** CPU time of these processors since the machine started, in seconds: what was worked, and what there was. All of them without. */
export const machineSeconds = (cores: Cores | null = null): MachineSeconds => {
  const names = cores === null ? ["cpu"] : cores.map((core) => `cpu${core}`);
  const lines = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const sum = { busy: 0, stolen: 0, all: 0 };
  for (const [name = "", ...fields] of lines) {
    if (!names.includes(name)) continue;
    const ticks = fields.slice(0, 8).map((field) => Number(field) / TICKS_PER_SECOND);
    const [, , , idle = 0, waiting = 0, , , stolen = 0] = ticks;
    const all = ticks.reduce((total, each) => total + each, 0);
    sum.all += all;
    sum.stolen += stolen;
    sum.busy += all - idle - waiting - stolen;
  }
  return sum;
};

/** Of the memory that the machine has. */
export const memoryShare = (): number => {
  const text = readFileSync("/proc/meminfo", "utf8");
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return 1 - of("MemAvailable") / of("MemTotal");
};

/** User and system time, and that of children that have ended; 0 when it has ended itself. */
const ticksOf = (pid: number): number =>
  fieldsOf(pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);

/** In ticks since the machine did. */
const startOf = (pid: number): number => Number(fieldsOf(pid)[19] ?? 0);

/** Those of proc(5) from the third on: the second is the program's name in brackets, and may hold spaces and brackets. */
const fieldsOf = (pid: number): string[] => {
  const text = textOf(pid, "stat");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
};

/** Of the first thread, which starts them in all of our programs. A kernel that does not list them is searched. */
const childrenOf = (pid: number): number[] =>
  LISTS_CHILDREN
    ? textOf(pid, `task/${pid}/children`)
        .split(" ")
        .filter((child) => child !== "")
        .map(Number)
    : readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
        .map(Number);

const parentOf = (pid: number): number => Number(fieldsOf(pid)[1]);

const BYTES_OF: Readonly<Record<Memory, (pid: number) => number>> = {
  "shared out": (pid) => numberIn(pid, "smaps_rollup", /^Pss:\s+(\d+) kB$/m) * BYTES_PER_KILOBYTE,
  resident: (pid) => numberIn(pid, "statm", /^\d+ (\d+)/) * PAGE_BYTES,
  "not now": () => 0,
};
const writtenBy = (pid: number): number => numberIn(pid, "io", /^write_bytes: (\d+)$/m);

const numberIn = (pid: number, file: string, pattern: RegExp): number =>
  Number(pattern.exec(textOf(pid, file))?.[1] ?? 0);

/** "" when the process has ended, or its file is not ours to read. */
const textOf = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
};
