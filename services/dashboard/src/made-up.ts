/** Orders that the page makes up, of what the server's catalogue has. */
import type { Setup } from "../../../shared/wire/setup.ts";

export type MadeUpOrder = { readonly drink: string; readonly store: string; readonly price: number };

const LEAST_CENTS = 250;
const MOST_CENTS = 650;
const STEP_CENTS = 10;

/** `random` as Math.random. */
export const madeUpOrder = ({ drinks, stores }: Setup, random: () => number): MadeUpOrder => {
  const pick = (names: readonly string[]): string => names[Math.floor(random() * names.length)] ?? "";
  const steps = (MOST_CENTS - LEAST_CENTS) / STEP_CENTS + 1;
  const cents = LEAST_CENTS + STEP_CENTS * Math.floor(random() * steps);
  return { drink: pick(drinks.names), store: pick(stores.names), price: cents / 100 };
};
