/** The currencies of a file: their amounts are never added up unless the user wants it. */
import { currenciesOf } from "#shared/imports/currencies.ts";
import { count, money } from "./output.ts";
import { addTo, type Totals } from "./totals.ts";

export type CurrencyCheck = {
  /** Whether a sale with this sign or code counts; every sale is asked for once. */
  takes(currency: string | null, cents: number): boolean;
  /** Why the user has to choose; null where all signs and codes can mean one currency. */
  undecided(): string | null;
};

/** `chosen` is the code of one currency, `any` to add them all up, or null. */
export const currencyCheck = (chosen: string | null): CurrencyCheck => {
  const seen: Totals = new Map();
  return {
    takes: (currency, cents) => {
      if (currency === null || chosen === "any") return true;
      if (chosen !== null) return codesOf(currency).has(chosen);
      addTo(seen, currency, 1, cents);
      return true;
    },
    undecided: () => {
      const [first, ...more] = [...seen.keys()].map(codesOf);
      if (first === undefined) return null;
      if ([...first].some((code) => more.every((other) => other.has(code)))) return null;
      const list = [...seen].map(
        ([mark, { orders, cents }]) => `${mark} ${money(cents)} (${count(orders)} sales)`,
      );
      return (
        `the file has prices in several currencies: ${list.join(", ")}. ` +
        `Choose one with --currency ${[...first][0]}, or --currency any to add them up as they are`
      );
    },
  };
};

/** `$` can mean many currencies, USD one of them. */
const codesOf = (currency: string): Set<string> =>
  new Set(currenciesOf(currency) ?? [currency.toUpperCase()]);
