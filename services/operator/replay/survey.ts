/**
 * The first pass over a sales file, before anything is sent: its columns, its sales in the order of time, its catalogue
 * and totals, and the rows that cannot be sent.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { openZone } from "#shared/domain/time-zone.ts";
import {
  type Columns,
  columnsOf,
  describeColumns,
  ImportError,
  unusedQuantity,
} from "#shared/imports/columns.ts";
import { openCsv } from "#shared/imports/csv.ts";
import { dateOrderOf, type Sale, saleOf } from "#shared/imports/sales.ts";
import { UsageError } from "../command.ts";
import type { ReplayOptions } from "./command-line.ts";
import { shiftToNow, spanOf } from "./orders.ts";
import { count, money } from "./output.ts";
import { addTo, keyOf, sumOf, type Totals, tableOfFile } from "./totals.ts";

export type Row = Sale & { readonly line: number };

export type Survey = {
  readonly sha256: string;
  readonly columns: string;
  readonly notes: readonly string[];
  /** By time; sales of the same moment in the order of the file. */
  readonly rows: readonly Row[];
  readonly bad: readonly { readonly line: number; readonly reason: string }[];
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly totals: Totals;
};

/** A row takes about 80 bytes of memory; larger files are split. */
const MAX_ROWS = 3_000_000;
/** The system's own limits of a catalogue; a column with more is not that of the stores or drinks. */
const MAX_NAMES = { store: 100_000, drink: 1_000 };
/** The rest is in the file of bad rows. */
const MAX_LISTED = 20;

/** How the user makes a choice; every other column is chosen by an option of its name. */
const CHOICES: Partial<Record<ImportError["choice"], string>> = {
  timestamp: '--timestamp "…", or --date and --time',
  store: '--store "…", or --store-name "…" for all rows',
  dateOrder: "--date-format dmy (day first) or --date-format mdy (month first)",
};

/** Rejects with a UsageError when an option has to be given. */
export const surveyOf = async (options: ReplayOptions): Promise<Survey> => {
  try {
    return await readSales(options);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const choice = CHOICES[error.choice] ?? `--${error.choice} "…"`;
    throw new UsageError(`${error.message}. Choose with ${choice}`, { cause: error });
  }
};

const readSales = async (options: ReplayOptions): Promise<Survey> => {
  const { storeName } = options;
  const open = () => createReadStream(options.file);
  const csv = await openCsv(open, options.encoding);
  const sha256 = createHash("sha256");
  for await (const chunk of open()) sha256.update(chunk);
  const columns = columnsOf(csv.header, options.columns, storeName !== null);
  const order = options.dateOrder ?? (await dateOrderOf(csv, columns));
  const rules = { columns, order, toUtc: openZone(options.timeZone), delimiter: csv.delimiter, storeName };
  const [stores, drinks] = [new Map<string, string>(), new Map<string, string>()];
  const rows: Row[] = [];
  const bad: { line: number; reason: string }[] = [];
  const totals: Totals = new Map();
  for await (const row of csv.rows()) {
    const { line } = row;
    const sale = "problem" in row ? row : saleOf(row.fields, rules);
    if ("problem" in sale) bad.push({ line, reason: sale.problem });
    else {
      const { ms, cents } = sale;
      const [store, drink] = [shared(stores, "store", sale.store), shared(drinks, "drink", sale.drink)];
      addTo(totals, keyOf(store, drink), 1, cents);
      rows.push({ line, ms, cents, store, drink });
    }
    if (rows.length + bad.length > MAX_ROWS) throw new Error(`more than ${MAX_ROWS} rows: split the file`);
  }
  rows.sort((a, b) => a.ms - b.ms || a.line - b.line);
  return {
    sha256: sha256.digest("hex"),
    columns: describeColumns(columns, csv.header),
    notes: notesOf(columns, csv.header, options),
    rows,
    bad,
    stores: [...stores.keys()],
    drinks: [...drinks.keys()],
    totals,
  };
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

/** One string for all rows of this name: a copy for each row would take more memory than the rows. */
const shared = (names: Map<string, string>, what: keyof typeof MAX_NAMES, name: string): string => {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size === MAX_NAMES[what])
    throw new ImportError(`the ${what} column has more than ${MAX_NAMES[what]} names`, what);
  names.set(name, name);
  return name;
};

/** What the file holds, and for a dry run what would be sent. */
export const describeSurvey = (survey: Survey, options: ReplayOptions, say: (line: string) => void): void => {
  const { rows, bad, stores, drinks, columns, notes, totals } = survey;
  const { firstMs, lastMs } = spanOf(rows);
  say(`Columns: ${columns}`);
  for (const note of notes) say(`Note: ${note}.`);
  const names = `${count(stores.length)} stores, ${count(drinks.length)} drinks`;
  say(`${count(rows.length)} sales, ${money(sumOf(totals).cents)}; ${names}; ${count(bad.length)} bad rows`);
  if (rows.length > 0) say(`From ${iso(firstMs)} to ${iso(lastMs)} (the shop's clock: ${options.timeZone})`);
  if (!options.dryRun) return;
  const shiftDays = options.keepTime ? 0 : shiftToNow(lastMs, Date.now()) / DAY_MS;
  const dates = shiftDays === 0 ? "at their own dates" : `dated ${shiftDays} days later`;
  say(`They would be sent by ${options.mode}, ${dates}.`);
  const table = tableOfFile(totals);
  if (table !== null) say(table);
};

/** The first bad rows on `stderr`, all of them in the file `path`. */
export const listBadRows = async (
  { bad }: Survey,
  path: string,
  stderr: NodeJS.WriteStream,
): Promise<void> => {
  if (bad.length === 0) return;
  const lines = bad.map(({ line, reason }) => `line ${line}: ${reason}`);
  for (const line of lines.slice(0, MAX_LISTED)) stderr.write(`bad row, ${line}\n`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${lines.join("\n")}\n`);
  stderr.write(`${count(bad.length)} bad rows are not sent; all of them: ${path}\n`);
};
