/** Amounts and quantities that were given back, in columns of their own: no line says what of it is the sale's. */
import { priceOf } from "#shared/imports/prices.ts";
import type { SaleRules } from "#shared/imports/sales.ts";
import { bare } from "#shared/imports/words.ts";

export type UndoneAmounts = {
  add(fields: readonly string[]): void;
  /** Sales by column that has more than zero for them. */
  found(): { readonly field: number; readonly sales: number }[];
};

const UNDONE = /refund|return|cancel|void|chargeback/;

export const openUndoneAmounts = ({ header, statuses, decimal }: SaleRules): UndoneAmounts => {
  const decided = new Set(statuses.map(({ field }) => field));
  const sales = new Map<number, number>();
  for (const [field, name] of header.entries())
    if (UNDONE.test(bare(name)) && !decided.has(field)) sales.set(field, 0);
  return {
    add: (fields) => {
      for (const [field, count] of sales) {
        const amount = priceOf(fields[field] ?? "", decimal);
        if ("cents" in amount && amount.cents !== 0) sales.set(field, count + 1);
      }
    },
    found: () => [...sales].flatMap(([field, count]) => (count === 0 ? [] : [{ field, sales: count }])),
  };
};
