/**
 * CPU time and memory of processes and everything that they start, as Linux tells it in /proc (proc(5)). PostgreSQL is a
 * process per connection: those that have ended are in their parent's sum, the others are looked up.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Cores } from "../../../dev/cores.ts";

export type Use = {
  /** User and system time since it began, in seconds. */
  readonly cpuSeconds: number;
  /** Proportional set size, in bytes: memory that processes share is counted once. */
  readonly residentBytes: number;
  /** To disks, in bytes; 0 where the system does not say. */
  readonly writtenBytes: number;
};

type Stat = { readonly parent: number; readonly ticks: number };

/** What /proc counts in: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const BYTES_PER_KILOBYTE = 1_024;

/** Of each of these processes, with its children; 0 while one is down. */
export const useOf = (pids: ReadonlyMap<string, number>): Map<string, Use> => {
  const stats = allStats();
  const children = childrenIn(stats);
  const sum = (pid: number): Use => {
    const cpuSeconds = (stats.get(pid)?.ticks ?? 0) / TICKS_PER_SECOND;
    const own = { cpuSeconds, residentBytes: pssOf(pid), writtenBytes: writtenBy(pid) };
    return (children.get(pid) ?? []).map(sum).reduce(plus, own);
  };
  return new Map([...pids].map(([name, pid]) => [name, sum(pid)]));
};

const plus = (one: Use, other: Use): Use => ({
  cpuSeconds: one.cpuSeconds + other.cpuSeconds,
  residentBytes: one.residentBytes + other.residentBytes,
  writtenBytes: one.writtenBytes + other.writtenBytes,
});

/** The lab itself, without what it started: that is told under names of its own. */
export const ownUse = (): Use => {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss(), writtenBytes: 0 };
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

const allStats = (): Map<number, Stat> =>
  new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const stat = statOf(name);
        return stat === null ? [] : [[Number(name), stat] as const];
      }),
  );

/** null when it has ended meanwhile. */
const statOf = (pid: string): Stat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // the second field is the program's name in brackets and may itself hold spaces and brackets
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // utime, stime, and those of the children that have ended
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), ticks };
  } catch {
    return null;
  }
};

const childrenIn = (stats: ReadonlyMap<number, Stat>): Map<number, number[]> => {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of stats) children.set(parent, [...(children.get(parent) ?? []), pid]);
  return children;
};

const pssOf = (pid: number): number =>
  numberIn(pid, "smaps_rollup", /^Pss:\s+(\d+) kB$/m) * BYTES_PER_KILOBYTE;
const writtenBy = (pid: number): number => numberIn(pid, "io", /^write_bytes: (\d+)$/m);

/** 0 when the process has ended, or its file is not ours to read. */
const numberIn = (pid: number, file: string, pattern: RegExp): number => {
  try {
    return Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
};
