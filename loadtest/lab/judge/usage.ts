/** What the sampler saw, over the measured time: use of processors and memory, and what waited. */

import type { Pinning } from "../run/environment.ts";
import { GENERATORS, type Resource, type Run } from "../run/results.ts";
import type { Use } from "../sample/processes.ts";
import type { Look } from "../sample/sampler.ts";
import type { PostgresWaits } from "../sample/server-counters.ts";
import type { Saturation } from "./bottleneck.ts";

export type Window = { readonly startMs: number; readonly endMs: number };

export const within = (looks: readonly Look[], { startMs, endMs }: Window): Look[] =>
  looks.filter(({ atMs }) => atMs >= startMs && atMs <= endMs);

/** Processes that were seen. */
export const namesIn = (looks: readonly Look[]): string[] => [
  ...new Set(looks.flatMap(({ uses }) => [...uses.keys()])),
];

type Count = Pick<Use, "startedAt" | "cpuSeconds">;

/**
 * CPU-seconds of a process in a window: between two looks it is taken to have worked evenly. Another process under the
 * name counts from its beginning. The count of one with children falls for a moment when a child ends between two of the
 * files that a look reads: what counts is what goes beyond the most that was seen of it.
 */
export const cpuSecondsOf = (
  looks: readonly Look[],
  { startMs, endMs }: Window,
  of: (look: Look) => Count | undefined,
): number => {
  let sum = 0;
  let most: Count = { startedAt: 0, cpuSeconds: 0 };
  for (const [index, look] of looks.entries()) {
    const now = of(look);
    if (now === undefined || now.startedAt === 0) continue;
    const known = now.startedAt === most.startedAt ? most.cpuSeconds : 0;
    const worked = Math.max(0, now.cpuSeconds - known);
    most = { startedAt: now.startedAt, cpuSeconds: known + worked };
    const before = looks[index - 1];
    if (before === undefined) continue;
    const overlapMs = Math.min(endMs, look.atMs) - Math.max(startMs, before.atMs);
    if (overlapMs > 0) sum += worked * (overlapMs / (look.atMs - before.atMs));
  }
  return sum;
};

export const cpuOf =
  (name: string) =>
  ({ uses }: Look): Count | undefined =>
    uses.get(name);

/** The machine's own counts never fall. */
const countOf = (cpuSeconds: number): Count => ({ startedAt: 1, cpuSeconds });

const peakOf = (looks: readonly Look[], name: string): number =>
  Math.max(0, ...looks.map(({ uses }) => uses.get(name)?.residentBytes ?? 0));

export const resourcesOf = (
  looks: readonly Look[],
  window: Window,
  coresOf: (name: string) => number,
): Run["resources"] => {
  const inWindow = within(looks, window);
  return Object.fromEntries(
    namesIn(looks).map((name): [string, Resource] => [
      name,
      {
        cpuSeconds: rounded(cpuSecondsOf(looks, window, cpuOf(name)), 3),
        peakRssBytes: Math.round(peakOf(inWindow, name)),
        cores: coresOf(name),
      },
    ]),
  );
};

/** Of all cores, busy with whatever. */
export const machineShareOf = (looks: readonly Look[], window: Window): number => {
  const all = cpuSecondsOf(looks, window, ({ machine }) => countOf(machine.all));
  return all === 0 ? 0 : cpuSecondsOf(looks, window, ({ machine }) => countOf(machine.busy)) / all;
};

/** What the machine itself was like. */
export const machineIn = (looks: readonly Look[], window: Window): NonNullable<Run["machine"]> => ({
  hashingSpeed: rounded(meanOf(within(looks, window).map((look) => look.hashingSpeed)), 1),
  stolenShare: rounded(stolenShareOf(looks, window), 4),
});

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Of all processors' time, by the hypervisor. */
export const stolenShareOf = (looks: readonly Look[], window: Window): number => {
  const all = cpuSecondsOf(looks, window, ({ whole }) => countOf(whole.all));
  return all === 0 ? 0 : cpuSecondsOf(looks, window, ({ whole }) => countOf(whole.stolen)) / all;
};

/**
 * Of sessions at work, the share that waited for this, over all looks; null without looks. At least one is taken to be at
 * work at each look: a few that wait now and then, with none active at other times, are no bottleneck.
 */
export const waitShareOf = (
  looks: readonly Look[],
  window: Window,
  of: (waits: PostgresWaits) => number,
): number | null => {
  const seen = within(looks, window).flatMap(({ waits }) => waits ?? []);
  const active = seen.reduce((sum, waits) => sum + Math.max(1, waits.active), 0);
  return active === 0 ? null : seen.reduce((sum, waits) => sum + of(waits), 0) / active;
};

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Who was how busy in the measured time: what the written rule names a bottleneck by. */

export const saturationOf = (looks: readonly Look[], window: Window, pinning: Pinning): Saturation => {
  const seconds = (window.endMs - window.startMs) / 1_000;
  const names = namesIn(looks);
  /** In cores. */
  const used = (name: string): number => cpuSecondsOf(looks, window, cpuOf(name)) / seconds;
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
      walWaitShare: waitShareOf(looks, window, ({ wal }) => wal),
      lockWaitShare: waitShareOf(looks, window, ({ lock }) => lock),
    })),
    stream: redis("redis-stream"),
    board: redis("redis-board"),
    kafka: ifSeen("kafka", (cores) => ({ used: cores, given })),
    machineShare: machineShareOf(looks, window),
    memoryShare: Math.max(0, ...within(looks, window).map((look) => look.memoryShare)),
  };
};
