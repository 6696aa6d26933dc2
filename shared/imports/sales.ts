/**
 * Converts records of a sales file to sales, or to the reason why a record is not a sale.
 */
import { MAX_NAME_LENGTH } from "#shared/domain/catalogue.ts";
import type { ToUtc } from "#shared/domain/time-zone.ts";
import { type Columns, ImportError } from "./columns.ts";
import type { Csv } from "./csv.ts";
import { type DateOrder, momentOf, orderHint } from "./dates.ts";
import { priceOf, times } from "./prices.ts";

export type Sale = {
  readonly ms: number;
  readonly store: string;
  readonly drink: string;
  readonly cents: number;
};

export type SaleRules = {
  readonly columns: Columns;
  readonly order: DateOrder;
  readonly toUtc: ToUtc;
  readonly delimiter: string;
  /** For a file without a store column. */
  readonly storeName: string | null;
};

/** Every reason is named, because users correct the rows by hand. */
export const saleOf = (fields: readonly string[], rules: SaleRules): Sale | { readonly problem: string } => {
  const { columns } = rules;
  const field = (index: number): string => (index < 0 ? "" : (fields[index] ?? ""));
  const moment = momentOf(dateIn(fields, columns), field(columns.time), rules.order, rules.toUtc);
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

/** Day or month first, as the dates of the file prove it. Throws an ImportError when they do not. */
export const dateOrderOf = async (csv: Csv, columns: Columns): Promise<DateOrder> => {
  const seen = new Map<string, string>();
  for await (const row of csv.rows()) {
    if ("problem" in row) continue;
    const text = dateIn(row.fields, columns).trim();
    const hint = orderHint(text);
    if (hint !== null && !seen.has(hint)) seen.set(hint, `"${text}" (line ${row.line})`);
  }
  const [dmy, mdy, either] = [seen.get("dmy"), seen.get("mdy"), seen.get("either")];
  if (dmy && mdy) throw new ImportError(`${dmy} puts the day first, ${mdy} the month`, "dateOrder");
  if (either && !dmy && !mdy)
    throw new ImportError(`${either} can be read in two ways, and no other date decides`, "dateOrder");
  return mdy ? "mdy" : "dmy";
};

/** The date of a record; it holds the time too where that has no column of its own. */
const dateIn = (fields: readonly string[], { timestamp, date }: Columns): string =>
  fields[timestamp < 0 ? date : timestamp] ?? "";

/** Quoted names may run over lines; the catalogue's names do not. */
const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, " ");

const nameProblem = (what: string, name: string): { problem: string } | null => {
  if (name === "") return { problem: `the ${what} is missing` };
  if (name.length > MAX_NAME_LENGTH)
    return { problem: `the ${what} is longer than ${MAX_NAME_LENGTH} characters` };
  if (name.includes("\ufffd")) return { problem: `the ${what} "${name}" is not UTF-8: try latin1` };
  return /\p{Cc}/u.test(name) ? { problem: `the ${what} has control characters` } : null;
};
