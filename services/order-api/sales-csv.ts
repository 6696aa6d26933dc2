/** The history as CSV (RFC 4180) for spreadsheets. */
import { stringify } from "csv-stringify/sync";
import { iso } from "#shared/domain/time.ts";
import type { SalesRow } from "#shared/store/sales.ts";

const COLUMNS = ["bucket", "mode", "store", "drink", "orders", "revenue"];

/**
 * A header and a line per row. A name that a spreadsheet would run as a formula (it begins with = + - @, a tab or a
 * carriage return) has an apostrophe before it; JSON has it as it is.
 */
export const csvOf = (rows: readonly SalesRow[]): string =>
  stringify(
    rows.map(({ bucketMs, mode, store, drink, orders, cents }) => [
      iso(bucketMs),
      mode,
      store,
      drink,
      orders,
      (cents / 100).toFixed(2),
    ]),
    { header: true, columns: COLUMNS, escape_formulas: true, record_delimiter: "windows" },
  );

/** Whether Accept (RFC 9110) likes CSV better than JSON. */
export const prefersCsv = (accept: string | undefined): boolean => {
  const weights = new Map<string, number>();
  for (const part of (accept ?? "*/*").toLowerCase().split(",")) {
    const [range = "", ...parameters] = part.split(";").map((each) => each.trim());
    const weight = parameters.find((each) => each.startsWith("q="))?.slice(2) ?? "1";
    weights.set(range, Number.parseFloat(weight) || 0);
  }
  const weightOf = (...ranges: string[]): number =>
    weights.get(ranges.find((range) => weights.has(range)) ?? "") ?? 0;
  return weightOf("text/csv", "text/*", "*/*") > weightOf("application/json", "application/*", "*/*");
};
