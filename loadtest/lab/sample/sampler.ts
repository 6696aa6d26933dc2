/** Looks at everything that takes part in a run once a second, from its beginning to its end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "#shared/store/pool.ts";
import { type Page, pageOf } from "./metrics.ts";
import { type PostgresWaits, postgresWaits } from "./postgres.ts";
import { machineSeconds, type Use, useOf } from "./processes.ts";

export type Watched = {
  /** Processes by name; one that is down is left out. */
  readonly pids: () => ReadonlyMap<string, number>;
  /** /metrics pages by the name of their program. */
  readonly metricUrls: () => ReadonlyMap<string, string>;
  readonly pool: Pool;
};

export type Look = {
  readonly atMs: number;
  readonly uses: ReadonlyMap<string, Use>;
  readonly machine: ReturnType<typeof machineSeconds>;
  readonly pages: ReadonlyMap<string, Page>;
  /** null while PostgreSQL does not answer. */
  readonly waits: PostgresWaits | null;
};

export type Sampler = {
  /** What was seen so far, in its order. */
  readonly looks: readonly Look[];
  /** Takes a last look. */
  stop(): Promise<void>;
};

const EVERY_MS = 1_000;

export const openSampler = (watched: Watched): Sampler => {
  const looks: Look[] = [];
  const stopping = new AbortController();
  const take = async (): Promise<void> => void looks.push(await look(watched));
  const run = async (): Promise<void> => {
    const startedMs = performance.now();
    for (let turn = 1; !stopping.signal.aborted; turn++) {
      await take();
      const leftMs = startedMs + turn * EVERY_MS - performance.now();
      // a late look does not put off those after it
      await sleep(Math.max(0, leftMs), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    await take();
  };
  const running = run();
  return {
    looks,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

export const look = async ({ pids, metricUrls, pool }: Watched): Promise<Look> => {
  const urls = [...metricUrls()];
  const [waits, ...pages] = await Promise.all([
    postgresWaits(pool).catch(() => null),
    ...urls.map(([, url]) => pageOf(url)),
  ]);
  return {
    atMs: Date.now(),
    uses: useOf(pids()),
    machine: machineSeconds(),
    pages: new Map(urls.map(([name], index) => [name, pages[index] ?? new Map()])),
    waits,
  };
};
