/**
 * How a line's revenue is read from the file. Exports have several amounts per line, before and after discounts, of one
 * unit or of all: one reading is taken, the others are computed too, so that a user sees where they differ.
 */
import {
  type AmountColumn,
  amountsOf,
  type ColumnChoices,
  type Columns,
  discountsOf,
  ImportError,
  isInCents,
} from "./columns.ts";
import { isNamedOfLine, isNamedOfOrder, isPercent, isVoucher } from "./discount-headers.ts";
import type { AmountKind } from "./known-headers.ts";
import type { Profile } from "./profile.ts";
import { bare } from "./words.ts";

export type Reading = {
  readonly price: number;
  /** Field numbers, -1 where the price is not multiplied, or nothing is subtracted. */
  readonly quantity: number;
  readonly discount: number;
  /** The number of the order; -1 where each row is read by itself. */
  readonly order: number;
  /** Columns with one amount for a whole order, which is taken once for each. */
  readonly ofOrder: ReadonlySet<number>;
  /** Columns whose header says that they are in cents. */
  readonly inCents: ReadonlySet<number>;
  /** Columns whose header says that they are shares of the line. */
  readonly inPercent: ReadonlySet<number>;
};

export type Readings = {
  readonly taken: Reading;
  readonly others: readonly Reading[];
  /** Of the columns with one amount for a whole order, which check the sum of the lines. */
  readonly ofOrders: readonly Reading[];
  /** Columns of discounts that are not subtracted. */
  readonly unused: readonly number[];
};

const RANK: readonly AmountKind[] = ["net", "gross", "unit", "price", "total"];

/** Throws an ImportError when the file has amounts of whole orders only. */
export const readingsOf = (
  header: readonly string[],
  guessed: Columns,
  choices: ColumnChoices,
  profile: Profile,
): Readings => {
  const named = amountsOf(header, {});
  const filled = named.filter(({ field }) => profile.hasAmounts(field));
  const all = filled.length > 0 ? filled : named;
  const isChosen = choices.order !== undefined && choices.order !== "none";
  const unsure = all.filter((column) => isUnsure(column, profile)).map(({ field }) => field);
  const ofOrder = all
    .filter((column) => isOfOrder(column, profile) || (isChosen && unsure.includes(column.field)))
    .map(({ field }) => field);
  const isByLine = choices.price !== undefined || choices.order === "none";
  const usable = isByLine ? amountsOf(header, choices) : all.filter(({ field }) => !ofOrder.includes(field));
  const isSubtotal = ({ field }: AmountColumn): boolean => /sub/.test(bare(header[field] ?? ""));
  const [best] = [...usable].sort(
    (a, b) => RANK.indexOf(a.kind) - RANK.indexOf(b.kind) || Number(isSubtotal(b)) - Number(isSubtotal(a)),
  );
  if (best === undefined) throw onlyOrders(header, ofOrder, profile);
  const discounts = discountsIn(header, guessed, choices, profile);
  const isSure = (field: number): boolean =>
    choices.discount !== undefined || !isVoucher(header[field] ?? "");
  const columns = { ...guessed, discount: discounts.find(isSure) ?? -1 };
  const wholes = new Set([...ofOrder, ...discounts.filter((field) => isOrders(field, header, profile))]);
  const read = (column: AmountColumn, own: ColumnChoices): Reading => {
    const reading = readingOf(column, header, columns, own, profile);
    const order = choices.order === "none" ? -1 : columns.order;
    // what the first line has is no number of orders
    const isWhole = own.quantity === undefined && wholes.has(column.field);
    return { ...reading, ...(isWhole && { quantity: -1 }), order, ofOrder: wholes };
  };
  const taken = read(best, choices);
  if (columns.order < 0 && choices.order === undefined && choices.discount === undefined)
    checkOrder(taken, header);
  // what the option for the column of the order would mean
  const once = { ...taken, order: columns.order, ofOrder: new Set([...wholes, ...unsure]) };
  const perOrder = taken.order < 0 ? once : { ...taken, order: -1 };
  const isReduced = hasDiscount(best) && choices.discount === undefined;
  const isDoubtful = wholes.has(taken.price) || wholes.has(taken.discount);
  const others = [
    ...all
      .filter(({ field }) => !ofOrder.includes(field) || field === best.field)
      .flatMap((column) => variantsOf(column, column.field === best.field, header, columns, profile, read)),
    // a sum after discounts may still be one before those of whole orders
    ...discounts
      .filter((field) => isReduced || (choices.discount === undefined && wholes.has(field)))
      .map((discount) => ({ ...taken, discount })),
    ...(isDoubtful ? [perOrder] : []),
    ...(unsure.includes(taken.price) && !wholes.has(taken.price) ? [{ ...once, quantity: -1 }] : []),
  ].filter(
    (other, index, list) => !isSame(other, taken) && list.findIndex((each) => isSame(each, other)) === index,
  );
  const whole = { ...taken, quantity: -1, discount: -1, order: columns.order };
  return {
    taken,
    others,
    ofOrders: ofOrder.filter((price) => price !== taken.price).map((price) => ({ ...whole, price })),
    unused: isReduced ? discounts.filter((field) => field !== taken.discount && profile.hasSums(field)) : [],
  };
};

/** The discounts of the file, the one that is subtracted first; `Happy hour` is no amount. */
const discountsIn = (
  header: readonly string[],
  { discount }: Columns,
  choices: ColumnChoices,
  { hasAmounts, hasSums }: Profile,
): number[] => {
  if (choices.discount !== undefined) return discount < 0 ? [] : [discount];
  const amounts = discountsOf(header).filter(hasAmounts);
  const sums = amounts.filter(hasSums);
  return sums.length > 0 ? sums : amounts.slice(0, 1);
};

/** A discount that is the same on all lines of orders is the order's, unless its header says otherwise. */
const isOrders = (field: number, header: readonly string[], profile: Profile): boolean =>
  profile.isDiscountOfOrder(field) && !isNamedOfLine(header[field] ?? "");

/** Without the numbers of orders no row shows whether its discount was subtracted from another one already. */
const checkOrder = ({ discount, inPercent }: Reading, header: readonly string[]): void => {
  const name = header[discount] ?? "";
  if (!isNamedOfOrder(name) || inPercent.has(discount)) return;
  throw new ImportError(
    `"${name}" is a discount of whole orders, and no column has the number of the order`,
    "order",
  );
};

/** Of a total that stands on all lines and could be either, the prices of the drinks decide. */
const isOfOrder = (column: AmountColumn, profile: Profile): boolean =>
  profile.isOfOrder(column.field) === true || (column.kind === "total" && isUnsure(column, profile));

/** An amount that stands on all lines of every order and could be the line's or the order's: no price of a drink tells. */
const isUnsure = ({ field }: AmountColumn, profile: Profile): boolean =>
  profile.isOfOrder(field) === "unsure" && profile.isSteady(field) !== true;

/** Whether the amount is that of the whole order, and counts once for each. */
export const isOnce = ({ price, order, ofOrder }: Reading): boolean => order >= 0 && ofOrder.has(price);

const isSame = (a: Reading, b: Reading): boolean =>
  a.price === b.price &&
  a.quantity === b.quantity &&
  a.discount === b.discount &&
  a.order === b.order &&
  isOnce(a) === isOnce(b);

const onlyOrders = (
  header: readonly string[],
  fields: readonly number[],
  { isOnFirstLine }: Profile,
): ImportError => {
  const names = fields.map((field) => `"${header[field]}"`).join(", ");
  const where = fields.every(isOnFirstLine) ? "on the first line" : "on all lines";
  const what = `${fields.length > 1 ? "have" : "has"} one amount ${where} of an order, which is the order's and not the line's`;
  return new ImportError(
    `${names} ${what}. Export the lines with their prices, or take each order as one sale of its first line's drink`,
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
): Omit<Reading, "order" | "ofOrder"> => {
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
    inCents: fieldsThat(isInCents, header),
    inPercent: fieldsThat(isPercent, header),
    price: column.field,
    quantity: multiplies ? columns.quantity : -1,
    discount: subtracts ? columns.discount : -1,
  };
};

const fieldsThat = (matches: (name: string) => boolean, header: readonly string[]): Set<number> =>
  new Set(header.flatMap((name, field) => (matches(name) ? [field] : [])));

/** A column's readings: its own, and where that is in doubt the one with or without quantity and discount. */
const variantsOf = (
  column: AmountColumn,
  isTaken: boolean,
  header: readonly string[],
  columns: Columns,
  profile: Profile,
  read: (column: AmountColumn, choices: ColumnChoices) => Reading,
): Reading[] => {
  const own = read(column, {});
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
