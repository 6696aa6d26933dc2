/** Figures, tables and progress as text. */

/** 12 345 */
export const count = (value: number): string => value.toLocaleString("en").replaceAll(",", " ");

/** 1 234.50 */
export const money = (cents: number): string => {
  const digits = String(Math.abs(cents)).padStart(3, "0");
  return `${cents < 0 ? "-" : ""}${count(Number(digits.slice(0, -2)))}.${digits.slice(-2)}`;
};

/** Lines of equal columns: the first two (names) to the left, figures to the right. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
};

const BAR_WIDTH = 24;
const BAR_INTERVAL_MS = 200;
const LINE_INTERVAL_MS = 5_000;
/** The line of a terminal does not wrap. */
const MAX_TROUBLE_LENGTH = 70;

/** Shows how far `read` is, until it is stopped: one line that is redrawn on a terminal, else a line every 5 s. */
export const startMeter = (
  what: "sent" | "counted",
  total: number,
  output: NodeJS.WriteStream,
  read: () => { readonly done: number; readonly trouble: string | null },
): { stop(): void } => {
  const startedMs = Date.now();
  const write = (end: string): void => {
    const { done, trouble } = read();
    const perSecond = Math.round((done * 1_000) / Math.max(1, Date.now() - startedMs));
    const left = perSecond > 0 ? `, ${count(Math.ceil((total - done) / perSecond))} s left` : "";
    const filled = Math.min(BAR_WIDTH, Math.floor((done / Math.max(1, total)) * BAR_WIDTH));
    const bar = output.isTTY ? `\r${"#".repeat(filled).padEnd(BAR_WIDTH, ".")} ` : "";
    const text = `${bar}${what} ${count(done)} of ${count(total)}, ${count(perSecond)}/s${left}`;
    output.write(
      `${text}${trouble ? `; ${trouble.slice(0, MAX_TROUBLE_LENGTH)}` : ""}${output.isTTY ? CLEAR_REST : ""}${end}`,
    );
  };
  const timer = output.isTTY
    ? setInterval(() => write(""), BAR_INTERVAL_MS)
    : setInterval(() => write("\n"), LINE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      write("\n");
    },
  };
};
/** Of a terminal's line, behind the cursor. */
const CLEAR_REST = "\x1b[K";
