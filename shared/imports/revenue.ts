/** A line's revenue by a reading whose amounts may be those of whole orders, which count once for each. */
import { type Amount, discountOf, lineAmount } from "./amounts.ts";
import type { Columns } from "./columns.ts";
import { openKeys } from "./order-lines.ts";
import type { DecimalMark } from "./prices.ts";
import type { Reading } from "./readings.ts";

export type Revenue = {
  /** Takes the records in the order of the file, as they are in it; `key` is that of the order. */
  keyOf(fields: readonly string[]): string | null;
  /** `later` where the order's amount is that of an earlier line; a line that is no sale takes nothing of its order. */
  amountOf(
    fields: readonly string[],
    key: string | null,
    isSale: boolean,
  ): Amount | { readonly problem: string } | "later";
  /** Cents of discounts that are more than the lines of their orders cost. */
  unspent(): number;
};

/** What an order's lines so far leave to the next one: cents to subtract, or the text of a share. */
type Order = { isPaid: boolean; hasDiscount: boolean; hasSale: boolean; left: number; share: string };

export const openRevenue = (reading: Reading, columns: Columns, decimal: DecimalMark): Revenue => {
  const keyOf = openKeys({ ...columns, order: reading.order });
  const orders = new Map<string, Order>();
  const isPriceOfOrder = reading.ofOrder.has(reading.price);
  const isDiscountOfOrder = reading.ofOrder.has(reading.discount);
  const orderOf = (key: string | null): Order | null => {
    if (key === null || !(isPriceOfOrder || isDiscountOfOrder)) return null;
    const order = orders.get(key) ?? {
      isPaid: false,
      hasDiscount: false,
      hasSale: false,
      left: 0,
      share: "",
    };
    orders.set(key, order);
    return order;
  };
  return {
    keyOf,
    amountOf: (fields, key, isSale) => {
      const order = orderOf(key);
      if (order && isPriceOfOrder && isSale && order.isPaid) return "later";
      const line = lineAmount(fields, reading, decimal);
      if (order && isSale) order.isPaid = true;
      if ("problem" in line) return line;
      const less =
        order && isDiscountOfOrder
          ? takeFrom(order, fields, line.cents, isSale, reading, decimal)
          : discountOf(fields[reading.discount] ?? "", line.cents, reading, decimal);
      if (typeof less !== "number") return less;
      const rest = line.cents - less;
      if (line.cents !== 0 && rest !== 0 && Math.sign(rest) !== Math.sign(line.cents))
        return { problem: `the discount "${fields[reading.discount]}" is more than the line costs` };
      return { cents: rest, currency: line.currency };
    },
    unspent: () => [...orders.values()].reduce((sum, { hasSale, left }) => sum + (hasSale ? left : 0), 0),
  };
};

/** The part of the order's discount that this line takes: as much as it costs, until nothing is left. */
const takeFrom = (
  order: Order,
  fields: readonly string[],
  cents: number,
  isSale: boolean,
  reading: Reading,
  decimal: DecimalMark,
): number | { readonly problem: string } => {
  const text = (fields[reading.discount] ?? "").trim();
  const isShare = reading.inPercent.has(reading.discount) || text.endsWith("%");
  if (isShare) order.share = text || order.share;
  if (order.share !== "") return discountOf(order.share, cents, reading, decimal);
  // of any amount other than zero, to read it as it is
  const amount = discountOf(text, 1, reading, decimal);
  if (typeof amount !== "number") return amount;
  if (!order.hasDiscount) order.left = amount;
  order.hasDiscount ||= amount !== 0;
  if (!isSale) return 0;
  order.hasSale = true;
  const part = Math.min(order.left, Math.abs(cents));
  order.left -= part;
  return Math.sign(cents) * part;
};
