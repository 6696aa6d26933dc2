import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import { Unavailable } from "../ports.ts";
import { type Group, type Grouping, groupWrites } from "./group.ts";

export const grouping: Grouping = {
  maxItems: 4,
  maxInFlight: 1,
  maxQueued: 100,
  lingerMs: 0,
  staleMs: 10_000,
  deadlineMs: 10_000,
};

type Write = {
  readonly items: readonly number[];
  readonly atMs: number;
  end(results?: readonly (string | Error)[]): void;
};

/** A backend that answers each write when the test ends it; `r7` is the result of item 7. */
export const openBackend = (more: Partial<Grouping> = {}) => {
  const writes: Write[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const calls = groupWrites<number, string>({ ...grouping, ...more }, async (items) => {
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    const answer = Promise.withResolvers<readonly (string | Error)[]>();
    const end = (results = items.map((item) => `r${item}`)): void => {
      answer.resolve(results);
    };
    writes.push({ items, atMs: performance.now(), end });
    try {
      return await answer.promise;
    } finally {
      inFlight--;
    }
  });
  const until = async (count: number): Promise<Write> => {
    for (const end = performance.now() + 120_000; writes.length < count; await turn())
      if (performance.now() > end) expect.fail(`${writes.length} writes instead of ${count}`);
    return writes[count - 1] ?? expect.fail("a write");
  };
  const batches = () => writes.map((write) => write.items);
  return { group: oneByOne(calls), calls, until, batches, mostInFlight: () => mostInFlight };
};

/** Adds single items; resolves with the result or rejects with the error. */
export const oneByOne = ({ add, close }: Group<number, string>) => ({
  close,
  add: async (item: number): Promise<string> => {
    const [result] = await add([item]);
    if (result === undefined || result instanceof Error) throw result;
    return result;
  },
});

/** The result of an add, or the reason or message of its error. */
export const outcome = (add: Promise<string>): Promise<string> =>
  add.catch((error: unknown) => (error instanceof Unavailable ? error.reason : String(error)));
export const outcomes = async (adds: readonly Promise<string>[]): Promise<string> =>
  (await Promise.all(adds.map(outcome))).join(", ");
export const results = (...items: readonly number[]): string => items.map((item) => `r${item}`).join(", ");

export const turns = async (count: number): Promise<void> => {
  for (let each = 0; each < count; each++) await turn();
};

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

export const addAll = (
  group: { add(item: number): Promise<string> },
  from: number,
  to: number,
): Promise<string>[] => range(from, to).map((item) => group.add(item));
