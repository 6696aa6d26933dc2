/**
 * CPU time and memory of processes and everything that they start, as Linux tells it in /proc (proc(5)). PostgreSQL is a
 * process per connection: those that have ended are in their parent's sum, the others are looked up.
 */
import { readdirSync, readFileSync } from "node:fs";

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

/** CPU time of the whole machine since it started, in seconds: what was worked, and what there was. */
export const machineSeconds = (): {
  readonly busy: number;
  readonly stolen: number;
  readonly all: number;
} => {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = ticks;
  const all = ticks.reduce((sum, each) => sum + each, 0);
  const seconds = (value: number): number => value / TICKS_PER_SECOND;
  return { busy: seconds(all - idle - waiting - stolen), stolen: seconds(stolen), all: seconds(all) };
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
