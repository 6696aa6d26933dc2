/** The total of a file by another reading than the one that is taken: what the options that choose it would give. */
import type { CsvRow } from "#shared/imports/csv.ts";
import type { Reading } from "#shared/imports/readings.ts";
import { openSales, type SaleRules } from "#shared/imports/sales.ts";
import { currencyCheck } from "./currency.ts";

/** `bad` rows could not be read. */
export type OtherTotal = { readonly reading: Reading; readonly cents: number; readonly bad: number };

export type OpenOtherTotal = { add(record: CsvRow): void; found(): OtherTotal };

export const openOtherTotal = (
  rules: SaleRules,
  reading: Reading,
  currency: string | null,
): OpenOtherTotal => {
  const sales = openSales({ ...rules, reading });
  const currencies = currencyCheck(currency);
  let [cents, bad] = [0, 0];
  return {
    add: (record) => {
      const row = sales.read(record);
      if ("problem" in row) bad++;
      else if ("ms" in row && currencies.takes(row.currency, row.cents)) cents += row.cents;
    },
    found: () => ({ reading, cents, bad }),
  };
};
