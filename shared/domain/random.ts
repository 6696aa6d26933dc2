/**
 * Seeded chance: the same seed gives the same sequence in every JavaScript engine, k6's included.
 *
 * The generator is sfc32 of Chris Doty-Humphrey's PractRand 0.95 (public domain, http://pracrand.sourceforge.net),
 * seeded as there: 64 bits of seed, counter 1, twelve rounds discarded. It passes PractRand and needs only
 * 32-bit additions and shifts. Not for secrets.
 */
export type Random = {
  /** A number in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** A whole number in [0, most). */
  below(most: number): number;
  /** One of the items, each as likely as the other. Throws when there is none. */
  pick<T>(items: readonly T[]): T;
  /** The items in an order of chance. */
  shuffled<T>(items: readonly T[]): T[];
  /** An index of `cumulative` (see there), as likely as its weight. */
  weighted(cumulative: readonly number[]): number;
  /** The time to the next event of a Poisson process with this mean gap, in the unit of the mean. */
  gap(mean: number): number;
};

export const randomFrom = (seed: number): Random => {
  const next32 = sfc32(seed);
  const next = (): number => next32() / 2 ** 32;
  const below = (most: number): number => Math.floor(next() * most);
  return {
    next,
    below,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[below(items.length)] as T;
    },
    // Fisher and Yates, as Durstenfeld has it
    shuffled: <T>(items: readonly T[]) => {
      const list = [...items];
      for (let last = list.length - 1; last > 0; last--) {
        const other = below(last + 1);
        [list[last], list[other]] = [list[other] as T, list[last] as T];
      }
      return list;
    },
    weighted: (cumulative) => firstAbove(cumulative, next() * (cumulative.at(-1) ?? 0)),
    gap: (mean) => -Math.log(1 - next()) * mean,
  };
};

/** Running sums of weights, so that one of 10 000 stores is found in 14 steps. */
export const cumulativeOf = (weights: readonly number[]): number[] => {
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
};

/**
 * A pseudo-random whole number in [0, 2^32) for each pair of 32-bit numbers: random access to a sequence. It is splitmix's step with the finaliser of Austin Appleby's MurmurHash3 (public domain).
 */
export const mixed = (state: number, value: number): number => {
  let hash = (state + imul(value + 1, 0x9e3779b1)) | 0;
  hash = imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Looked up once: k6's engine interprets. */
const imul = Math.imul;

/** A seed made from text: FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv), over UTF-16 code units. */
export const seedOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

const sfc32 = (seed: number): (() => number) => {
  let [a, b, c, counter] = [0, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
};

/** The index of the first of these running sums that is above the value, the last one if none is. */
export const firstAbove = (cumulative: readonly number[], value: number): number => {
  // two statements: k6's engine takes microseconds to take an array apart
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
};
