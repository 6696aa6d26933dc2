/**
 * One record of the file to one sale, or the reason why it is not sent.
 */
import { MAX_NAME_LENGTH } from "#shared/domain/catalogue.ts";
import type { Columns } from "./columns.ts";
import { type DateOrder, momentOf } from "./dates.ts";
import { priceOf, times } from "./prices.ts";
import type { ToUtc } from "./zone.ts";

export type Sale = {
  readonly ms: number;
  readonly store: string;
  readonly drink: string;
  readonly cents: number;
};

export type RowRules = {
  readonly columns: Columns;
  readonly order: DateOrder;
  readonly toUtc: ToUtc;
  readonly delimiter: string;
  /** For a file without a store column. */
  readonly storeName: string | null;
};

/** Every reason is named, because the rows are put right by hand. */
export const saleOf = (fields: readonly string[], rules: RowRules): Sale | { readonly problem: string } => {
  const { columns } = rules;
  const field = (index: number): string => (index < 0 ? "" : (fields[index] ?? ""));
  const { date, time } = dateTexts(fields, columns);
  const moment = momentOf(date, time, rules.order, rules.toUtc);
  const store = rules.storeName ?? oneLine(field(columns.store));
  const drink = oneLine(field(columns.drink));
  const unit = priceOf(field(columns.price), rules.delimiter);
  const price = columns.quantity < 0 ? unit : times(unit, field(columns.quantity));
  const problems = [moment, nameProblem("store", store), nameProblem("drink", drink), price].flatMap(
    (part) => (part !== null && "problem" in part ? [part.problem] : []),
  );
  if ("problem" in moment || "problem" in price || problems.length > 0)
    return { problem: problems.join("; ") };
  return { ms: moment.ms, store, drink, cents: price.cents };
};

/** The texts of a record's date and time: one column with both, or two. */
export const dateTexts = (fields: readonly string[], columns: Columns): { date: string; time: string } => ({
  date: fields[columns.timestamp < 0 ? columns.date : columns.timestamp] ?? "",
  time: columns.time < 0 ? "" : (fields[columns.time] ?? ""),
});

/** Quoted names may run over lines; a catalogue's names do not. */
const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, " ");

const nameProblem = (what: string, name: string): { problem: string } | null => {
  if (name === "") return { problem: `the ${what} is missing` };
  if (name.length > MAX_NAME_LENGTH)
    return { problem: `the ${what} is longer than ${MAX_NAME_LENGTH} characters` };
  if (name.includes("\ufffd"))
    return { problem: `the ${what} "${name}" is not UTF-8: try --encoding latin1` };
  return /\p{Cc}/u.test(name) ? { problem: `the ${what} has control characters` } : null;
};
