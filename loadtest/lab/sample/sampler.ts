/** Looks at everything that takes part in a run once a second, from its beginning to its end. */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "#shared/store/pool.ts";
import type { Cores } from "../../../dev/system/servers/process.ts";
import { GENERATORS } from "../run/results.ts";
import { type MachineSeconds, machineSeconds, memoryShare, ownUse, type Use, useOf } from "./processes.ts";
import { type PostgresWaits, postgresWaits } from "./server-counters.ts";

export type Watched = {
  /** Processes by name; one that is down is left out. */
  readonly pids: () => ReadonlyMap<string, number>;
  /** /metrics pages by the name of their program. */
  readonly metricUrls: () => ReadonlyMap<string, string>;
  readonly pool: Pool;
  /** Of the system; all when null. */
  readonly cores: Cores | null;
};

/** What the lab's own process is called among the others. */
export const LAB = "lab";

export type Sample = {
  readonly atMs: number;
  readonly uses: ReadonlyMap<string, Use>;
  /** Of the system's processors. */
  readonly machine: MachineSeconds;
  /** Of all processors. */
  readonly whole: MachineSeconds;
  /** Of one core, in MB/s of SHA-256 by its CPU time. */
  readonly hashingSpeed: number;
  /** Of the machine's memory, in use. */
  readonly memoryShare: number;
  readonly pages: ReadonlyMap<string, Page>;
  /** null while PostgreSQL does not answer. */
  readonly waits: PostgresWaits | null;
};

export type Sampler = {
  /** What was seen so far, in its order. */
  readonly samples: readonly Sample[];
  /** Takes a last sample. */
  stop(): Promise<void>;
};

const EVERY_MS = 1_000;
/** Samples: memory changes slowly, and reading it takes most of a sample's time. */
const MEMORY_EVERY = 5;

export const openSampler = (watched: Watched): Sampler => {
  const samples: Sample[] = [];
  const stopping = new AbortController();
  const take = async (): Promise<void> => {
    const before = samples.length % MEMORY_EVERY === 0 ? null : (samples.at(-1) ?? null);
    samples.push(await sample(watched, before));
  };
  const run = async (): Promise<void> => {
    const startedMs = performance.now();
    for (let turn = 1; !stopping.signal.aborted; turn++) {
      await take();
      const leftMs = startedMs + turn * EVERY_MS - performance.now();
      // a late sample does not delay the next ones
      await sleep(Math.max(0, leftMs), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    await take();
  };
  const running = run();
  return {
    samples,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

const useFromMetrics = (page: Page): Use => ({
  startedAt: sumOf(page, "process_start_time_seconds"),
  cpuSeconds: sumOf(page, "process_cpu_seconds_total"),
  residentBytes: sumOf(page, "process_resident_memory_bytes"),
  writtenBytes: 0,
});

/** With the memory of the sample before, or its own. */
const usesNow = (pids: ReadonlyMap<string, number>, before: Sample | null): Map<string, Use> => {
  if (before === null)
    return useOf(pids, (name) => (GENERATORS.has(name) ? "resident" : "shared out")).set(LAB, ownUse());
  const uses = useOf(pids, (name) => (before.uses.has(name) ? "not now" : "shared out"));
  const known = [...uses].map(([name, use]) => {
    const { residentBytes, writtenBytes } = before.uses.get(name) ?? use;
    return [name, { ...use, residentBytes, writtenBytes }] as const;
  });
  return new Map(known).set(LAB, ownUse());
};

export const sample = async (
  { pids, metricUrls, pool, cores }: Watched,
  before: Sample | null = null,
): Promise<Sample> => {
  const urls = [...metricUrls()];
  const [waits, ...pages] = await Promise.all([
    postgresWaits(pool).catch(() => null),
    ...urls.map(([, url]) => pageOf(url)),
  ]);
  const named = new Map(urls.map(([name], index) => [name, pages[index] ?? new Map<string, number>()]));
  const uses = usesNow(pids(), before);
  // programs of another machine say themselves what they took
  for (const [name, page] of named)
    if (!uses.has(name) && page.size > 0) uses.set(name, useFromMetrics(page));
  return {
    atMs: Date.now(),
    uses,
    machine: machineSeconds(cores),
    whole: machineSeconds(),
    hashingSpeed: hashingSpeed(),
    memoryShare: memoryShare(),
    pages: named,
    waits,
  };
};

/** A program's /metrics page, in the text format of Prometheus. */

/** By the series as the page has it: `name{label="value"}`. */
export type Page = ReadonlyMap<string, number>;

const ANSWER_WITHIN_MS = 1_000;

/** Empty when the program does not answer, as one that was stopped on purpose, or has no such page. */
export const pageOf = async (url: string): Promise<Page> => {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const text = await reply.text();
    return reply.ok ? pageIn(text) : new Map();
  } catch {
    return new Map();
  }
};

export const pageIn = (text: string): Page =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))] as const;
      }),
  );

/** Over all series of a name whose labels include these. */
export const sumOf = (page: Page, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  [...page].reduce((sum, [series, value]) => (isOf(series, name, labels) ? sum + value : sum), 0);

const isOf = (series: string, name: string, labels: Readonly<Record<string, string>>): boolean =>
  (series === name || series.startsWith(`${name}{`)) &&
  Object.entries(labels).every(([label, value]) => new RegExp(`[{,]${label}="${value}"`).test(series));

/**
 * How fast the machine is just now, by a fixed piece of work: a virtual machine's neighbours take from it what no process
 * here shows. It is recorded with every run, so that a comparison of two runs shows whether the machine was equally fast.
 */

const BLOCK = Buffer.alloc(64 * 1_024, 7);
/** Some two milliseconds: the load generator runs on the same core. */
const BLOCKS = 10;
/** Bytes by microseconds are megabytes by seconds. */
export const hashingSpeed = (): number => {
  const before = process.cpuUsage();
  for (let count = 0; count < BLOCKS; count++) createHash("sha256").update(BLOCK).digest();
  const { user, system } = process.cpuUsage(before);
  return (BLOCKS * BLOCK.length) / Math.max(1, user + system);
};
