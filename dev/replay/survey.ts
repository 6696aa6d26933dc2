/**
 * The first look at a sales file, before anything is sent: its columns, its sales in the order of time, its
 * catalogue and totals, and the rows that cannot be sent.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type Columns, columnsOf, describeColumns, unusedQuantity } from "./columns.ts";
import { type CsvRecord, type Dialect, dialectOf, readRecords } from "./csv.ts";
import { type DateOrder, orderHint } from "./dates.ts";
import { type ReplayOptions, UsageError } from "./options.ts";
import { dateTexts, saleOf } from "./rows.ts";
import { addTo, keyOf, type Totals } from "./totals.ts";
import { openZone } from "./zone.ts";

/** One sale, small: names are numbers of the survey's lists. */
export type Row = {
  readonly line: number;
  readonly ms: number;
  readonly cents: number;
  readonly store: number;
  readonly drink: number;
};
export type BadRow = { readonly line: number; readonly reason: string };

export type Survey = {
  readonly sha256: string;
  readonly columns: string;
  readonly notes: readonly string[];
  /** By time; sales of the same moment in the order of the file. */
  readonly rows: readonly Row[];
  readonly bad: readonly BadRow[];
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly totals: Totals;
};

/** A row takes about 80 bytes of memory; larger files are split. */
const MOST_ROWS = 3_000_000;
/** The system's own limits of a catalogue; more is a column of something else. */
const MOST_NAMES = { store: 100_000, drink: 1_000 };

export const surveyOf = async (options: ReplayOptions): Promise<Survey> => {
  const { file, encoding, storeName } = options;
  const dialect = await dialectOf(file, encoding);
  const sha256 = await sha256Of(file);
  const header = await headerOf(file, dialect);
  const columns = columnsOf(header, options.columns, storeName !== null);
  const order = options.dateOrder ?? (await dateOrderOf(file, dialect, columns));
  const rules = {
    columns,
    order,
    toUtc: openZone(options.timeZone),
    delimiter: dialect.delimiter,
    storeName,
  };
  const [stores, drinks] = [openNames("store"), openNames("drink")];
  const rows: Row[] = [];
  const bad: BadRow[] = [];
  const totals: Totals = new Map();
  let isHeader = true;
  for await (const record of readRecords(file, dialect)) {
    if (isHeader) isHeader = false;
    else {
      const sale = "problem" in record ? record : saleOf(record.fields, rules);
      if ("problem" in sale) bad.push({ line: record.line, reason: sale.problem });
      else {
        addTo(totals, keyOf(sale.store, sale.drink), 1, sale.cents);
        const [store, drink] = [stores.numberOf(sale.store), drinks.numberOf(sale.drink)];
        rows.push({ line: record.line, ms: sale.ms, cents: sale.cents, store, drink });
      }
      if (rows.length + bad.length > MOST_ROWS)
        throw new Error(`more than ${MOST_ROWS} rows: split the file`);
    }
  }
  rows.sort((a, b) => a.ms - b.ms || a.line - b.line);
  const notes = notesOf(columns, header, options);
  const names = { stores: stores.list, drinks: drinks.list };
  return { sha256, columns: describeColumns(columns, header), notes, rows, bad, ...names, totals };
};

const notesOf = (columns: Columns, header: readonly string[], options: ReplayOptions): string[] => {
  const quantity = unusedQuantity(columns, header, options.columns);
  const isDateOnly = columns.timestamp < 0 && columns.time < 0;
  return [
    ...(columns.quantity >= 0 ? ["each row is one order of price times quantity"] : []),
    ...(quantity === null
      ? []
      : [`column "${quantity}" is not used; --quantity "${quantity}" multiplies the price by it`]),
    ...(isDateOnly ? ["there is no time column: a date without a time counts as midnight"] : []),
  ];
};

const headerOf = async (file: string, dialect: Dialect): Promise<readonly string[]> => {
  for await (const record of readRecords(file, dialect)) {
    if ("problem" in record) throw new Error(`line ${record.line}, the header: ${record.problem}`);
    return record.fields;
  }
  throw new Error("the file is empty");
};

/** Day or month first, as the dates themselves prove it. Throws a UsageError when they do not. */
const dateOrderOf = async (file: string, dialect: Dialect, columns: Columns): Promise<DateOrder> => {
  const seen = new Map<"dmy" | "mdy" | "either", { readonly line: number; readonly text: string }>();
  let isHeader = true;
  for await (const record of readRecords(file, dialect)) {
    if (!isHeader && "fields" in record) {
      const text = dateTexts((record as CsvRecord).fields, columns).date.trim();
      const hint = orderHint(text);
      if (hint && !seen.has(hint)) seen.set(hint, { line: record.line, text });
    }
    isHeader = false;
  }
  const [dmy, mdy, either] = [seen.get("dmy"), seen.get("mdy"), seen.get("either")];
  const options = "--date-format dmy (day first) or --date-format mdy (month first)";
  if (dmy && mdy)
    throw new UsageError(
      `"${dmy.text}" (line ${dmy.line}) puts the day first, "${mdy.text}" (line ${mdy.line}) the month: say ${options}`,
    );
  if (either && !dmy && !mdy)
    throw new UsageError(
      `"${either.text}" (line ${either.line}) can be read in two ways, and no date tells: say ${options}`,
    );
  return mdy ? "mdy" : "dmy";
};

const openNames = (what: "store" | "drink") => {
  const list: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    if (list.length === MOST_NAMES[what])
      throw new UsageError(
        `the ${what} column has more than ${MOST_NAMES[what]} names: choose another with --${what} "…"`,
      );
    numbers.set(name, list.length);
    return list.push(name) - 1;
  };
  return { list, numberOf };
};

const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
};
