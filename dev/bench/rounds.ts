import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Bench } from "./ground.ts";

/** A measurement that was disturbed is taken again; twice in a row it is no chance. */
const MOST_ATTEMPTS = 2;

/** Values of each of `names`, of rounds in which they come in an order of chance. `between` is done after each round. */
export const interleaved = async <Name extends string>(
  { rounds, random, tell }: Bench,
  what: string,
  names: readonly Name[],
  measure: (name: Name) => Promise<number>,
  between: () => Promise<void> = async () => undefined,
): Promise<Record<Name, number[]>> => {
  const values = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 1; round <= rounds; round++) {
    for (const name of random.shuffled(names)) values[name].push(await measure(name));
    const told = names.map((name) => `${name} ${Math.round(values[name].at(-1) ?? 0)}/s`).join(", ");
    tell(`${what}, round ${round} of ${rounds}: ${told}`);
    await between();
  }
  return values;
};

export const unlessVoid = async <T>(
  what: string,
  measure: () => Promise<T>,
  tell: Bench["tell"],
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await measure();
    } catch (error) {
      if (attempt === MOST_ATTEMPTS) throw error;
      tell(`${what}: the round is void and taken again: ${messageOf(error)}`);
    }
  }
};
