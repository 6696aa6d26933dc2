/**
 * The end of a replay: waiting until all is counted, and the file's totals beside the system's.
 */
import { pause } from "#shared/runtime/retry.ts";
import { count, money, table } from "./figures.ts";
import { compared, isEqual, type Line, sumOf, type Totals, without } from "./totals.ts";

export type Waiting = {
  readonly read: () => Promise<Totals>;
  /** What was accepted: once this is counted there is nothing to wait for. */
  readonly accepted: Totals;
  readonly onCounted: (orders: number) => void;
  readonly signal: AbortSignal;
  /** How long the count may stand still. */
  readonly idleLimitMs: number;
};

const LEAST_PAUSE_MS = 300;

/** The counted totals, when they equal the accepted ones or have stood still for too long. */
export const waitUntilCounted = async (waiting: Waiting): Promise<Totals> => {
  let last = { orders: -1, atMs: Date.now() };
  for (;;) {
    const startedMs = Date.now();
    const counted = await waiting.read();
    const { orders } = sumOf(counted);
    waiting.onCounted(orders);
    if (orders !== last.orders) last = { orders, atMs: Date.now() };
    const isAll = compared(waiting.accepted, counted).every(isEqual);
    if (isAll || waiting.signal.aborted || Date.now() - last.atMs > waiting.idleLimitMs) return counted;
    // Reading half a year of hours takes a while: at most a third of the time goes into it.
    await pause(Math.max(LEAST_PAUSE_MS, 2 * (Date.now() - startedMs)), waiting.signal);
  }
};

/** More lines than fit a screen say less than their differences. */
const MOST_TABLE_LINES = 40;

/** The comparison in words and a table, and whether the two sides are equal to the cent. */
export const reportOf = (file: Totals, counted: Totals): { isEqual: boolean; text: string } => {
  const lines = compared(file, counted);
  const wrong = lines.filter((line) => !isEqual(line));
  const [sent, seen] = [sumOf(file), sumOf(counted)];
  const parts: string[] = [];
  if (lines.length <= MOST_TABLE_LINES) parts.push(tableOf(lines));
  else if (wrong.length > 0) parts.push(tableOf(wrong.slice(0, MOST_TABLE_LINES)));
  if (wrong.length > MOST_TABLE_LINES)
    parts.push(`and ${wrong.length - MOST_TABLE_LINES} more lines that differ`);
  parts.push(`file:    ${count(sent.orders)} orders, ${money(sent.cents)}`);
  parts.push(`counted: ${count(seen.orders)} orders, ${money(seen.cents)}`);
  if (wrong.length === 0) parts.push(`Equal to the cent in all ${lines.length} pairs of store and drink.`);
  else {
    const { orders, cents } = sumOf(without(counted, file));
    const pairs = `${wrong.length} of ${lines.length} pairs of store and drink`;
    parts.push(`NOT EQUAL: ${pairs} differ, together by ${count(orders)} orders and ${money(cents)}.`);
  }
  return { isEqual: wrong.length === 0, text: parts.join("\n") };
};

const tableOf = (lines: readonly Line[]): string => {
  const rows = lines.map((line) => [
    line.store,
    line.drink,
    count(line.file.orders),
    money(line.file.cents),
    count(line.counted.orders),
    money(line.counted.cents),
    isEqual(line) ? "" : "differs",
  ]);
  return table([
    ["store", "drink", "file orders", "file revenue", "counted orders", "counted revenue", ""],
    ...rows,
  ]);
};
