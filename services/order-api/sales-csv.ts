/** The history as CSV (RFC 4180) for spreadsheets. */
import { setImmediate as othersFirst } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import { iso } from "#shared/domain/time.ts";
import type { SalesRow } from "#shared/store/sales.ts";

const COLUMNS = ["bucket", "mode", "store", "drink", "orders", "revenue"];
/** Written at a time, in 5 ms: orders of others do not wait for 10 000 rows. */
const ROWS_AT_A_TIME = 1_000;

/**
 * A header and a line per row. A name that a spreadsheet would run as a formula (it begins with = + - @, a tab or a
 * carriage return) has an apostrophe before it; JSON has it as it is.
 */
export const csvOf = async (rows: readonly SalesRow[]): Promise<string> => {
  let text = written(rows.slice(0, ROWS_AT_A_TIME), true);
  for (let start = ROWS_AT_A_TIME; start < rows.length; start += ROWS_AT_A_TIME) {
    await othersFirst();
    text += written(rows.slice(start, start + ROWS_AT_A_TIME), false);
  }
  return text;
};

const written = (rows: readonly SalesRow[], header: boolean): string =>
  stringify(
    rows.map(({ bucketMs, mode, store, drink, orders, cents }) => [
      iso(bucketMs),
      mode,
      store,
      drink,
      orders,
      (cents / 100).toFixed(2),
    ]),
    { header, columns: COLUMNS, escape_formulas: true, record_delimiter: "windows" },
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
