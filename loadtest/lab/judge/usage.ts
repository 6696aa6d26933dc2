/** What the sampler saw, over the measured time: use of processors and memory, and what waited. */

import type { Pinning } from "../run/environment.ts";
import { GENERATORS, type Resource, type Run } from "../run/results.ts";
import type { Use } from "../sample/processes.ts";
import { type Sample, sumOf } from "../sample/sampler.ts";
import type { PostgresWaits } from "../sample/server-counters.ts";
import type { Saturation } from "./bottleneck.ts";

export type Window = { readonly startMs: number; readonly endMs: number };

export const within = (samples: readonly Sample[], { startMs, endMs }: Window): Sample[] =>
  samples.filter(({ atMs }) => atMs >= startMs && atMs <= endMs);

/** Processes that were seen. */
export const namesIn = (samples: readonly Sample[]): string[] => [
  ...new Set(samples.flatMap(({ uses }) => [...uses.keys()])),
];

type Count = Pick<Use, "startedAt" | "cpuSeconds">;

/**
 * CPU-seconds of a process in a window: between two samples it is taken to have worked evenly. Another process under the
 * name counts from its beginning. The count of one with children falls for a moment when a child ends between two of the
 * files that a sample reads: only what exceeds its highest count so far is added.
 */
export const cpuSecondsOf = (
  samples: readonly Sample[],
  { startMs, endMs }: Window,
  of: (sample: Sample) => Count | undefined,
): number => {
  let sum = 0;
  let most: Count = { startedAt: 0, cpuSeconds: 0 };
  for (const [index, sample] of samples.entries()) {
    const now = of(sample);
    if (now === undefined || now.startedAt === 0) continue;
    const known = now.startedAt === most.startedAt ? most.cpuSeconds : 0;
    const worked = Math.max(0, now.cpuSeconds - known);
    most = { startedAt: now.startedAt, cpuSeconds: known + worked };
    const before = samples[index - 1];
    if (before === undefined) continue;
    const overlapMs = Math.min(endMs, sample.atMs) - Math.max(startMs, before.atMs);
    if (overlapMs > 0) sum += worked * (overlapMs / (sample.atMs - before.atMs));
  }
  return sum;
};

export const cpuOf =
  (name: string) =>
  ({ uses }: Sample): Count | undefined =>
    uses.get(name);

/** The machine's own counts never fall. */
const countOf = (cpuSeconds: number): Count => ({ startedAt: 1, cpuSeconds });

const peakOf = (samples: readonly Sample[], name: string): number =>
  Math.max(0, ...samples.map(({ uses }) => uses.get(name)?.residentBytes ?? 0));

/** Empty for a process without /metrics. */
const reportedPeak = (samples: readonly Sample[], name: string): Pick<Resource, "peakResidentBytes"> => {
  const peak = Math.max(
    0,
    ...samples.map(({ pages }) => sumOf(pages.get(name) ?? new Map(), "process_resident_memory_bytes")),
  );
  return peak === 0 ? {} : { peakResidentBytes: peak };
};

export const resourcesOf = (
  samples: readonly Sample[],
  window: Window,
  coresOf: (name: string) => number,
): Run["resources"] => {
  const inWindow = within(samples, window);
  return Object.fromEntries(
    namesIn(samples).map((name): [string, Resource] => [
      name,
      {
        cpuSeconds: rounded(cpuSecondsOf(samples, window, cpuOf(name)), 3),
        peakRssBytes: Math.round(peakOf(inWindow, name)),
        ...reportedPeak(inWindow, name),
        cores: coresOf(name),
      },
    ]),
  );
};

/** Of all cores, busy with whatever. */
export const machineShareOf = (samples: readonly Sample[], window: Window): number => {
  const all = cpuSecondsOf(samples, window, ({ machine }) => countOf(machine.all));
  return all === 0 ? 0 : cpuSecondsOf(samples, window, ({ machine }) => countOf(machine.busy)) / all;
};

/** What the machine itself was like. */
export const machineIn = (samples: readonly Sample[], window: Window): NonNullable<Run["machine"]> => ({
  hashingSpeed: rounded(meanOf(within(samples, window).map((sample) => sample.hashingSpeed)), 1),
  stolenShare: rounded(stolenShareOf(samples, window), 4),
});

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Of all processors' time, by the hypervisor. */
export const stolenShareOf = (samples: readonly Sample[], window: Window): number => {
  const all = cpuSecondsOf(samples, window, ({ whole }) => countOf(whole.all));
  return all === 0 ? 0 : cpuSecondsOf(samples, window, ({ whole }) => countOf(whole.stolen)) / all;
};

/**
 * Of sessions at work, the share that waited for this, over all samples; null without samples. At least one is taken to be at
 * work at each sample: a few that wait now and then, with none active at other times, are no bottleneck.
 */
export const waitShareOf = (
  samples: readonly Sample[],
  window: Window,
  of: (waits: PostgresWaits) => number,
): number | null => {
  const seen = within(samples, window).flatMap(({ waits }) => waits ?? []);
  const active = seen.reduce((sum, waits) => sum + Math.max(1, waits.active), 0);
  return active === 0 ? null : seen.reduce((sum, waits) => sum + of(waits), 0) / active;
};

/** Of all cores' time, used by none of these processes: by a build, or by another run of the laboratory. */
export const foreignShareOf = (samples: readonly Sample[], window: Window): number => {
  const machine = (of: (sample: Sample) => number): number =>
    cpuSecondsOf(samples, window, (sample) => countOf(of(sample)));
  const all = machine(({ whole }) => whole.all);
  const known = namesIn(samples).reduce((sum, name) => sum + cpuSecondsOf(samples, window, cpuOf(name)), 0);
  return all === 0 ? 0 : Math.max(0, machine(({ whole }) => whole.busy) - known) / all;
};

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Who was how busy in the measured time: what the written rule names a bottleneck by. */

export const saturationOf = (samples: readonly Sample[], window: Window, pinning: Pinning): Saturation => {
  const seconds = (window.endMs - window.startMs) / 1_000;
  const names = namesIn(samples);
  /** In cores. */
  const used = (name: string): number => cpuSecondsOf(samples, window, cpuOf(name)) / seconds;
  const ifSeen = <T>(name: string, of: (used: number) => T): T | null =>
    names.includes(name) ? of(used(name)) : null;
  const given = pinning.systemCores;
  const redis = (name: string) => ifSeen(name, (cores) => ({ used: cores, fsyncShare: null }));
  return {
    generator: {
      used: names.filter((name) => GENERATORS.has(name)).reduce((sum, name) => sum + used(name), 0),
      given: pinning.generatorCores,
    },
    apiUsed: used("order-api"),
    workersUsed: names.filter((name) => name.startsWith("worker-")).map(used),
    postgres: ifSeen("postgres", (cores) => ({
      used: cores,
      given,
      walWaitShare: waitShareOf(samples, window, ({ wal }) => wal),
      lockWaitShare: waitShareOf(samples, window, ({ lock }) => lock),
    })),
    stream: redis("redis-stream"),
    board: redis("redis-board"),
    kafka: ifSeen("kafka", (cores) => ({ used: cores, given })),
    machineShare: machineShareOf(samples, window),
    memoryShare: Math.max(0, ...within(samples, window).map((sample) => sample.memoryShare)),
  };
};
