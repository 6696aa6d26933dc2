/** What a user has to know about how the file was read. */

import { type ColumnChoices, type Columns, describeColumns } from "#shared/imports/columns.ts";
import type { Csv } from "#shared/imports/csv.ts";
import type { Profile } from "#shared/imports/profile.ts";
import { isOnce, type Reading } from "#shared/imports/readings.ts";
import type { SaleRules } from "#shared/imports/sales.ts";
import { doubtfulValues, type LeaveOut } from "#shared/imports/statuses.ts";
import { bare } from "#shared/imports/words.ts";
import type { OtherTotal } from "./other-totals.ts";
import { count, money } from "./output.ts";
import { sumOf, type Totals } from "./totals.ts";

export type Found = {
  readonly csv: Csv;
  readonly rules: SaleRules;
  readonly profile: Profile;
  /** By the other readings of the amount. */
  readonly others: readonly OtherTotal[];
  /** By columns with one amount for a whole order. */
  readonly ofOrders: readonly OtherTotal[];
  /** Columns of discounts that are not subtracted. */
  readonly unused: readonly number[];
  /** Cents of discounts of whole orders that are more than their lines cost. */
  readonly unspent: number;
  readonly totals: Totals;
  /** The amounts of the file's own totals rows. */
  readonly fileTotals: readonly number[];
  /** Sales in hours that happen twice or never, and sales without a time. */
  readonly oddities: { readonly twice: number; readonly never: number; readonly midnight: number };
  /** Sales with something given back in a column of its own. */
  readonly undone: readonly { readonly field: number; readonly sales: number }[];
  /** Of rows that name no zone. */
  readonly timeZone: string;
  readonly leaveOut: readonly LeaveOut[];
};

/** The rest differs by as much, or is of a file that is not understood. */
const MAX_READINGS = 5;

export const notesOf = (found: Found): { columns: string; clock: string; notes: string[] } => {
  const { csv, rules, oddities } = found;
  const { columns, reading } = rules;
  const used = { ...columns, quantity: reading.quantity, discount: reading.discount };
  const notes = [
    ...encodingNotes(csv),
    ...mojibakeNotes(found.totals),
    ...(csv.headerLine > 1 ? [`the header is line ${csv.headerLine}; the lines above it are skipped`] : []),
    ...readingNotes(found),
    ...(reading.quantity >= 0 ? ["each row is one order of price times quantity"] : []),
    ...orderNotes(found),
    ...discountNotes(found),
    ...statusNotes(found),
    ...totalNotes(found),
    ...timeNotes(oddities),
  ];
  const price = `price = "${csv.header[reading.price]}"`;
  const clock = columns.zone < 0 ? found.timeZone : `as in "${csv.header[columns.zone]}"`;
  return { columns: `${describeColumns(used, csv.header)}, ${price}`, clock, notes };
};

const encodingNotes = ({ encoding }: Csv): string[] => {
  const name = encoding.name.replace(/^windows/, "windows-");
  if (encoding.sample === null) return name === "utf8" ? [] : [`the encoding is ${name}`];
  return [`the encoding is ${name}, guessed from "${encoding.sample}"; --encoding names another`];
};

/** `CafÃ©` is the UTF-8 of Café, read as Windows-1252 by another program before the export. */
const MOJIBAKE = /Ã[\u0080-\u00bf]|Â[\u00a0-\u00bf]|â€/;

const mojibakeNotes = (totals: Totals): string[] => {
  const name = [...totals.keys()].flatMap((key) => key.split("\0")).find((text) => MOJIBAKE.test(text));
  return name === undefined
    ? []
    : [`names such as "${name}" were damaged before the export, which no --encoding repairs`];
};

const readingNotes = ({ csv, rules, others, totals }: Found): string[] => {
  const { cents } = sumOf(totals);
  const differing = others.filter(
    (other, index) =>
      other.cents !== cents && others.findIndex((each) => each.cents === other.cents) === index,
  );
  if (differing.length === 0) return [];
  const texts = differing.slice(0, MAX_READINGS).map((other) => {
    const choices = Object.entries(choicesFor(other.reading, rules.reading, csv.header, rules.columns));
    const options = choices.map(
      ([role, name]) => `--${role} ${name === "none" ? name : JSON.stringify(name)}`,
    );
    const bad = other.bad === 0 ? "" : ` with ${count(other.bad)} bad rows`;
    return `${describeReading(other.reading, csv.header)} would be ${money(other.cents)}${bad} (${options.join(" ")})`;
  });
  const taken = `the total depends on the columns: taken is ${describeReading(rules.reading, csv.header)}, ${money(cents)}`;
  return [`${taken}; ${texts.join("; ")}`];
};

/** A reading in words: `"Lineitem price" × "Lineitem quantity"`. */
const describeReading = (reading: Reading, header: readonly string[]): string => {
  const { price, quantity, discount, order, ofOrder } = reading;
  const once = (field: number): string =>
    order >= 0 && ofOrder.has(field) ? `"${header[field]}" once per order` : `"${header[field]}"`;
  return [
    once(price),
    ...(quantity < 0 ? [] : [`× "${header[quantity]}"`]),
    ...(discount < 0 ? [] : [`less ${once(discount)}`]),
  ].join(" ");
};

/** The choices that mean this reading, where the file is read as `taken` without them. */
const choicesFor = (
  reading: Reading,
  taken: Reading,
  header: readonly string[],
  columns: Columns,
): ColumnChoices => {
  const { price, quantity, discount, order } = reading;
  return {
    price: header[price] ?? "",
    ...(columns.quantity >= 0 && { quantity: quantity < 0 ? "none" : (header[quantity] ?? "") }),
    ...(columns.discount >= 0 && { discount: discount < 0 ? "none" : (header[discount] ?? "") }),
    ...((order !== taken.order || isOnce(reading) !== isOnce(taken)) && {
      order: order < 0 ? "none" : (header[order] ?? ""),
    }),
  };
};

const discountNotes = ({ csv: { header }, rules, unused, unspent }: Found): string[] => {
  const { discount } = rules.reading;
  const instead = discount < 0 ? "" : ` instead of those in "${header[discount]}"`;
  return [
    ...unused.map(
      (field) =>
        `the discounts in "${header[field]}" are not subtracted; --discount ${JSON.stringify(header[field])} subtracts them${instead}`,
    ),
    ...(unspent === 0
      ? []
      : [
          `${money(unspent)} in "${header[discount]}" is more than the lines of its orders cost, and is not subtracted`,
        ]),
  ];
};

const statusNotes = ({ rules, profile, leaveOut, undone }: Found): string[] => [
  ...undone.map(
    ({ field, sales }) =>
      `${count(sales)} of the sales have an amount in "${rules.header[field]}", which is not subtracted`,
  ),
  ...doubtfulNotes(rules, profile),
  ...unusedValues(leaveOut, rules, profile).map((text) => `no row has ${text}, which --leave-out names`),
];

/** A value that no row has is a spelling mistake, or of another export. */
const unusedValues = (leaveOut: Found["leaveOut"], { header }: SaleRules, { values }: Profile): string[] =>
  leaveOut.flatMap(({ column, values: wanted }) => {
    const field = header.findIndex((name) => bare(name) === bare(column));
    const there = new Set([...(values.get(field)?.keys() ?? [])].map(bare));
    return wanted.filter((value) => !there.has(bare(value))).map((value) => `${column} = ${value}`);
  });

const doubtfulNotes = (rules: SaleRules, profile: Profile): string[] =>
  doubtfulValues(rules.statuses, profile.values).map(({ header, value, rows, isPartial }) => {
    const which = isPartial
      ? "the row does not say which part"
      : "it is no known word for a sale, or for none";
    return `${count(rows)} rows have ${header} = ${value} and count as sales in full, since ${which}; --leave-out "${header}=${value}" leaves them out`;
  });

const orderNotes = ({ csv, ofOrders, totals }: Found): string[] => {
  // a column of zeros, such as shipping, checks nothing
  const sums = ofOrders
    .filter(({ cents }) => cents !== 0)
    .map(({ reading, cents }) => `"${csv.header[reading.price]}" ${money(cents)}`);
  if (sums.length === 0) return [];
  const lines = `the lines add up to ${money(sumOf(totals).cents)}`;
  return [`${lines}; columns with one amount for a whole order, once for each, to ${sums.join(", ")}`];
};

const timeNotes = ({ twice, never, midnight }: Found["oddities"]): string[] =>
  [
    [midnight, "without a time, which count at midnight"],
    [twice, "in an hour that happens twice, as clocks go back: the first of both is taken"],
    [never, "in an hour that never happens, as clocks go forward: they count an hour later"],
  ].flatMap(([sales = 0, what]) =>
    Number(sales) > 0 ? [`${count(Number(sales))} of the sales are ${what}`] : [],
  );

/** The file's own total checks the reading. */
const totalNotes = ({ totals, fileTotals }: Found): string[] => {
  const [own, ...more] = fileTotals;
  const { cents } = sumOf(totals);
  if (own === undefined || more.length > 0) return [];
  const difference = own === cents ? "equal to the sales" : `the sales add up to ${money(cents)}`;
  return [`the file's own total is ${money(own)}: ${difference}`];
};
