/** Who was how busy in the measured time: what the written rule names a bottleneck by. */

import type { Pinning } from "../run/pinning.ts";
import { GENERATORS } from "../run/results.ts";
import type { Look } from "../sample/sampler.ts";
import type { Saturation } from "./bottleneck.ts";
import { cpuOf, cpuSecondsOf, machineShareOf, namesIn, type Window, waitShareOf, within } from "./usage.ts";

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
