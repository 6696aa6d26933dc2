/**
 * How a line's revenue is read from the file. Exports have several amounts per line, before and after discounts, of one
 * unit or of all: one reading is taken, the others are computed too, so that a user sees where they differ.
 */
import {
  type AmountColumn,
  amountsOf,
  type ColumnChoices,
  type Columns,
  ImportError,
  isInCents,
} from "./columns.ts";
import type { AmountKind } from "./known-headers.ts";
import type { Profile } from "./profile.ts";
import { bare } from "./words.ts";

export type Reading = {
  readonly price: number;
  /** Field numbers, -1 where the price is not multiplied, or nothing is subtracted. */
  readonly quantity: number;
  readonly discount: number;
  /** Columns whose header says that they are in cents. */
  readonly inCents: ReadonlySet<number>;
};

export type Readings = {
  readonly taken: Reading;
  readonly others: readonly Reading[];
  /** Columns with one amount for a whole order, which are added up per line only if the user wants it. */
  readonly ofOrder: readonly number[];
};

const RANK: readonly AmountKind[] = ["net", "gross", "unit", "price", "total"];

/** Throws an ImportError when the file has amounts of whole orders only. */
export const readingsOf = (
  header: readonly string[],
  columns: Columns,
  choices: ColumnChoices,
  profile: Profile,
): Readings => {
  const named = amountsOf(header, {});
  const filled = named.filter(({ field }) => profile.hasAmounts(field));
  const all = filled.length > 0 ? filled : named;
  const ofOrder = all.filter((column) => isOfOrder(column, profile)).map(({ field }) => field);
  const isChosen = choices.price !== undefined;
  const usable = isChosen ? amountsOf(header, choices) : all.filter(({ field }) => !ofOrder.includes(field));
  const isSubtotal = ({ field }: AmountColumn): boolean => /sub/.test(bare(header[field] ?? ""));
  const [best] = [...usable].sort(
    (a, b) => RANK.indexOf(a.kind) - RANK.indexOf(b.kind) || Number(isSubtotal(b)) - Number(isSubtotal(a)),
  );
  if (best === undefined) throw onlyOrders(header, ofOrder);
  const isLines = choices.discount !== undefined || hasLineDiscounts(columns.discount, profile);
  const discount = isLines ? columns.discount : -1;
  const taken = readingOf(best, header, { ...columns, discount }, choices, profile);
  const others = all
    .filter(({ field }) => !ofOrder.includes(field) || field === best.field)
    .flatMap((column) =>
      variantsOf(column, column.field === best.field, header, { ...columns, discount }, profile),
    )
    .filter(
      (other, index, list) =>
        !isSame(other, taken) && list.findIndex((each) => isSame(each, other)) === index,
    );
  const ofOrders =
    isLines || !profile.hasAmounts(columns.discount) ? ofOrder : [...ofOrder, columns.discount];
  return { taken, others, ofOrder: ofOrders };
};

/** Of a total that stands on all lines and could be either, the prices of the drinks decide. */
const isOfOrder = ({ field, kind }: AmountColumn, profile: Profile): boolean => {
  const found = profile.isOfOrder(field);
  return found === "unsure" ? kind === "total" && profile.isSteady(field) !== true : found;
};

/** A discount of the whole order is in no line, and `Happy hour` is no amount. */
const hasLineDiscounts = (field: number, profile: Profile): boolean =>
  profile.hasAmounts(field) && !profile.isOnFirstLine(field) && profile.isOfOrder(field) !== true;

const isSame = (a: Reading, b: Reading): boolean =>
  a.price === b.price && a.quantity === b.quantity && a.discount === b.discount;

const onlyOrders = (header: readonly string[], fields: readonly number[]): ImportError => {
  const names = fields.map((field) => `"${header[field]}"`).join(", ");
  const what = "has one amount on all lines of an order, which is the order's and not the line's";
  return new ImportError(
    `${names} ${what}. Export the lines with their prices, or take it for each line`,
    "price",
  );
};

/** The reading that the user's choices mean, or the column's own. */
const readingOf = (
  column: AmountColumn,
  header: readonly string[],
  columns: Columns,
  choices: ColumnChoices,
  profile: Profile,
): Reading => {
  const isChosen = choices.price !== undefined;
  const isSum = column.kind === "net" || column.kind === "gross";
  const multiplies =
    choices.quantity === undefined
      ? isPerUnit(column, header, profile)
      : choices.quantity !== "none" && (isChosen || !isSum);
  const subtracts =
    choices.discount === undefined
      ? !isChosen && hasDiscount(column)
      : choices.discount !== "none" && (isChosen || column.kind !== "net");
  return {
    inCents: new Set(header.flatMap((name, field) => (isInCents(name) ? [field] : []))),
    price: column.field,
    quantity: multiplies ? columns.quantity : -1,
    discount: subtracts ? columns.discount : -1,
  };
};

/** A column's readings: its own, and where that is in doubt the one with or without quantity and discount. */
const variantsOf = (
  column: AmountColumn,
  isTaken: boolean,
  header: readonly string[],
  columns: Columns,
  profile: Profile,
): Reading[] => {
  const own = readingOf(column, header, columns, {}, profile);
  const evidence = profile.isPerUnit(column.field);
  const isNamed = NAMED_AS_LINES.test(bare(header[column.field] ?? ""));
  const isLines = isNamed && !(isTaken && column.kind === "total");
  const isOpen = evidence === null ? column.kind !== "unit" && !isLines : evidence !== own.quantity >= 0;
  const isDoubtful = isOpen || column.kind === "price";
  return [
    own,
    ...(own.discount >= 0 ? [{ ...own, discount: -1 }] : []),
    ...(isTaken && column.kind === "total" && columns.discount >= 0
      ? [{ ...own, discount: columns.discount }]
      : []),
    ...(isDoubtful && columns.quantity >= 0
      ? [{ ...own, quantity: own.quantity >= 0 ? -1 : columns.quantity }]
      : []),
  ];
};

/** No column of one unit's price is called so. */
const NAMED_AS_LINES = /total|sales|revenue|turnover|spent|umsatz|gesamt|ventas|vendas|ventes|vendite/;

/** A total is what was paid, after discounts; a price is that of the list. */
const hasDiscount = ({ kind }: AmountColumn): boolean =>
  kind === "gross" || kind === "unit" || kind === "price";

/** A column called price is that of one unit unless the file shows that it grows with the quantity. */
const isPerUnit = ({ field, kind }: AmountColumn, header: readonly string[], profile: Profile): boolean => {
  if (kind === "unit") return true;
  const evidence = profile.isPerUnit(field);
  if (kind === "price") return evidence !== false;
  return evidence === true && bare(header[field] ?? "").includes("price");
};

/** A reading in words: `"Lineitem price" × "Lineitem quantity"`. */
export const describeReading = ({ price, quantity, discount }: Reading, header: readonly string[]): string =>
  [
    `"${header[price]}"`,
    ...(quantity < 0 ? [] : [`× "${header[quantity]}"`]),
    ...(discount < 0 ? [] : [`less "${header[discount]}"`]),
  ].join(" ");

/** The choices that mean this reading. */
export const choicesFor = (
  { price, quantity, discount }: Reading,
  header: readonly string[],
  columns: Columns,
): ColumnChoices => ({
  price: header[price] ?? "",
  ...(columns.quantity >= 0 && { quantity: quantity < 0 ? "none" : (header[quantity] ?? "") }),
  ...(columns.discount >= 0 && { discount: discount < 0 ? "none" : (header[discount] ?? "") }),
});
