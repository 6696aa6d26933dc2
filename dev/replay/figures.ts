/** 12 345 */
export const count = (value: number): string => value.toLocaleString("en").replaceAll(",", " ");

/** 1 234.50 */
export const money = (cents: number): string => {
  const digits = String(Math.abs(cents)).padStart(3, "0");
  return `${cents < 0 ? "-" : ""}${count(Number(digits.slice(0, -2)))}.${digits.slice(-2)}`;
};

/** Lines of equal columns, the first two (names) to the left, figures to the right. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
};
