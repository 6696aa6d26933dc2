/** Who runs on which processors: where there are enough, what measures takes none of what is measured. */
import type { Cores } from "../../../dev/system/cores.ts";

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
