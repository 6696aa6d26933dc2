/**
 * What a sales file holds, before anything is sent: its columns, its sales in the order of time, its catalogue and
 * totals, the rows that are no sales, and those that cannot be read.
 */
import { createHash } from "node:crypto";
import { openClock } from "#shared/domain/time-zone.ts";
import {
  amountsOf,
  type Columns,
  columnsOf,
  discountsOf,
  headerScore,
  ImportError,
  isTimeOfDay,
  missingColumn,
  namedField,
} from "#shared/imports/columns.ts";
import { type Csv, openCsv } from "#shared/imports/csv.ts";
import { numbersIn } from "#shared/imports/headerless.ts";
import { type Profile, profileOf } from "#shared/imports/profile.ts";
import { type Reading, type Readings, readingsOf } from "#shared/imports/readings.ts";
import { openSales, type Sale, type SaleRules } from "#shared/imports/sales.ts";
import { statusColumnsOf, statusFieldsOf } from "#shared/imports/statuses.ts";
import { zoneNamed } from "#shared/imports/zones.ts";
import { UsageError } from "../command.ts";
import type { ReplayOptions } from "./command-line.ts";
import { currencyCheck } from "./currency.ts";
import { notesOf } from "./notes.ts";
import { openFile } from "./open-file.ts";
import { openOtherTotal } from "./other-totals.ts";
import { addTo, keyOf, type Total, type Totals } from "./totals.ts";
import { openUndoneAmounts } from "./undone-amounts.ts";

export type Row = Sale & { readonly line: number };

export type Survey = {
  readonly sha256: string;
  readonly columns: string;
  /** The time zone of the sales, in words. */
  readonly clock: string;
  readonly notes: readonly string[];
  /** By time; sales of the same moment in the order of the file. */
  readonly rows: readonly Row[];
  readonly bad: readonly { readonly line: number; readonly reason: string }[];
  /** Rows that are no sales, by reason. */
  readonly leftOut: ReadonlyMap<string, Total>;
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly totals: Totals;
  /** Why the file's total means nothing until the user decides; null where it does. */
  readonly undecided: string | null;
};

/** A row takes about 80 bytes of memory; larger files are split. */
const MAX_ROWS = 3_000_000;
/** The system's own limits of a catalogue; a column with more is not that of the stores or drinks. */
const MAX_NAMES = { store: 100_000, drink: 1_000 };

/** How the user makes a choice; every other column is chosen by an option of its name. */
const CHOICES: Partial<Record<ImportError["choice"], string>> = {
  timestamp: '--timestamp "…", or --date and --time',
  store: '--store "…", or --store-name "…" for all rows',
  dateOrder: "--date-format dmy (day first) or --date-format mdy (month first)",
  zone: '--zone-column "…"',
  "leave-out": '--leave-out "column=value,value"',
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
  const open = await openFile(options.file);
  const { encoding, hasHeader } = options;
  const csv = await openCsv(open, { encoding, hasHeader, scoreOf: headerScore(options.columns) });
  const sha256 = createHash("sha256");
  for await (const chunk of open()) sha256.update(chunk);
  const { rules, profile, readings } = await rulesFor(csv, options);
  const sales = openSales(rules);
  const currencies = currencyCheck(options.currency);
  const names = { store: new Map<string, string>(), drink: new Map<string, string>() };
  const [rows, bad]: [Row[], { line: number; reason: string }[]] = [[], []];
  const [totals, leftOut]: [Totals, Totals] = [new Map(), new Map()];
  const oddities = { twice: 0, never: 0, midnight: 0 };
  const fileTotals: number[] = [];
  const undone = openUndoneAmounts(rules);
  const opened = (all: readonly Reading[]) =>
    all.map((reading) => openOtherTotal(rules, reading, options.currency));
  const [others, ofOrders] = [opened(readings.others), opened(readings.ofOrders)];
  for await (const record of csv.rows()) {
    const { line } = record;
    const row = sales.read(record);
    for (const other of [...others, ...ofOrders]) other.add(record);
    const isOther = "ms" in row && !currencies.takes(row.currency, row.cents);
    if ("problem" in row) bad.push({ line, reason: row.problem });
    else if ("leftOut" in row) {
      addTo(leftOut, row.leftOut, 1, row.cents ?? 0);
      if (row.isTotal && row.cents !== null) fileTotals.push(row.cents);
    } else if (isOther) addTo(leftOut, `currency ${row.currency}`, 1, row.cents);
    else {
      const { ms, cents } = row;
      const [store, drink] = [
        shared(names.store, "store", row.store),
        shared(names.drink, "drink", row.drink),
      ];
      addTo(totals, keyOf(store, drink), 1, cents);
      rows.push({ line, ms, cents, store, drink });
      if (row.oddity) oddities[row.oddity]++;
      undone.add(row.fields);
    }
    if (rows.length + bad.length > MAX_ROWS) throw new Error(`more than ${MAX_ROWS} rows: split the file`);
  }
  rows.sort((a, b) => a.ms - b.ms || a.line - b.line);
  return {
    sha256: sha256.digest("hex"),
    ...notesOf({
      csv,
      rules,
      profile,
      others: others.map((other) => other.found()),
      ofOrders: ofOrders.map((other) => other.found()),
      unused: readings.unused,
      unspent: sales.unspent(),
      totals,
      fileTotals,
      undone: undone.found(),
      oddities,
      leaveOut: options.leaveOut,
      timeZone: options.timeZone,
    }),
    rows,
    bad,
    leftOut,
    stores: [...names.store.keys()],
    drinks: [...names.drink.keys()],
    totals,
    undecided: currencies.undecided(),
  };
};

export type Rules = {
  readonly rules: SaleRules;
  readonly profile: Profile;
  readonly readings: Readings;
};

/** How the file's rows are read: by the user's choices, the header, and what the rows as a whole show. */
const rulesFor = async (csv: Csv, options: ReplayOptions): Promise<Rules> => {
  const { storeName, columns: choices } = options;
  const columns = columnsFor(csv, options);
  const amounts = [...amountsOf(csv.header, {}), ...amountsOf(csv.header, choices)];
  const named = options.leaveOut.map(({ column }) => namedField(csv.header, column, "leave-out"));
  const statusFields = [...new Set([...statusFieldsOf(csv.header), ...named])];
  const discounts = [...new Set([...discountsOf(csv.header), columns.discount])].filter(
    (field) => field >= 0,
  );
  const profile = await profileOf(csv, { columns, amounts, discounts, statuses: statusFields });
  const isWholeTime = choices.timestamp !== undefined || profile.hasDates;
  if (!isWholeTime && isTimeOfDay(csv.header[columns.timestamp] ?? ""))
    throw missingColumn("timestamp", csv.header);
  const readings = readingsOf(csv.header, columns, choices, profile);
  const { taken, others } = readings;
  const { timestamp, date, time, zone, store, currency } = columns;
  const carried = [timestamp, date, time, zone, store, currency, ...statusFields];
  const rules: SaleRules = {
    header: csv.header,
    columns,
    reading: taken,
    sums: [taken, ...others].filter(({ quantity }) => quantity < 0).map(({ price }) => price),
    order: options.dateOrder ?? profile.dateOrder(),
    zone: zoneNamed(options.timeZone) ?? openClock(options.timeZone),
    decimal: options.decimal ?? profile.decimal(),
    statuses: statusColumnsOf(csv.header, profile.values, options.leaveOut, options.guessesStatus),
    carried: carried.filter((field) => field >= 0 && profile.isOnFirstLine(field)),
    storeName,
  };
  return { rules, profile, readings };
};

/**
 * Where the user wants no number of the order and no quantity, their columns still show repeated amounts and refunds. A
 * file that begins with data gets the option that reads it.
 */
const columnsFor = (
  csv: Csv,
  { columns: { order, quantity, ...choices }, storeName }: ReplayOptions,
): Columns => {
  const columns = {
    ...choices,
    ...(order !== undefined && order !== "none" && { order }),
    ...(quantity !== undefined && quantity !== "none" && { quantity }),
  };
  try {
    return columnsOf(csv.header, columns, storeName !== null);
  } catch (error) {
    const numbers = csv.headerLine > 0 ? numbersIn(csv.header) : null;
    if (numbers === null) throw error;
    const { timestamp, drink, price } = numbers;
    throw new UsageError(
      `line ${csv.headerLine} is data, not a header. Choose the columns by number, for example ` +
        `--no-header --timestamp ${timestamp} --drink ${drink} --price ${price} --store-name "…"`,
      { cause: error },
    );
  }
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
