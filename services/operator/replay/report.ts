/** What a sales file holds and what became of its rows, in words. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import { OK, UNREADABLE } from "../command.ts";
import type { ReplayOptions } from "./command-line.ts";
import { shiftToNow, spanOf } from "./orders.ts";
import { count, money } from "./output.ts";
import type { Survey } from "./survey.ts";
import { sumOf, type Total, tableOfFile } from "./totals.ts";

type Say = (line: string) => void;

/** The rest is in the file of bad rows. */
const MAX_LISTED = 20;
/** Of all sales and unreadable rows: more means that the options or the export are wrong. */
const MAX_BAD_SHARE = 0.01;
/** Reasons are few; a list of a thousand statuses is no list of reasons. */
const MAX_REASONS = 20;

/** Options that help where every row of a file has the same problem. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/or be in thousands/, "--decimal comma or --decimal point decides how such a price is read"],
  [
    /time zone ".*" is not known/,
    "a zone column is ignored with --zone-column none; --time-zone names the zone",
  ],
  [/the store is missing/, '--store-name "…" is for files without stores'],
  [/has \d+ fields where/, "a text with a delimiter in it, such as 4,50, has to be in quotes"],
];

/** What the file holds, and for a dry run what would be sent. */
export const describeSurvey = (survey: Survey, options: ReplayOptions, say: Say): void => {
  const { rows, bad, stores, drinks, columns, notes, totals } = survey;
  const { firstMs, lastMs } = spanOf(rows);
  say(`Columns: ${columns}`);
  for (const note of notes) say(`Note: ${note}.`);
  const names = `${count(stores.length)} stores, ${count(drinks.length)} drinks`;
  say(`${count(rows.length)} sales, ${money(sumOf(totals).cents)}; ${names}; ${count(bad.length)} bad rows`);
  if (rows.length === 0) return;
  say(`From ${iso(firstMs)} to ${iso(lastMs)} (the shop's clock: ${survey.clock})`);
  if (!options.dryRun) return;
  const shiftDays = options.keepTime ? 0 : shiftToNow(lastMs, Date.now()) / DAY_MS;
  const dates = shiftDays === 0 ? "at their own dates" : `dated ${shiftDays} days later`;
  say(`They would be sent by ${options.mode}, ${dates}.`);
  const table = tableOfFile(totals);
  if (table !== null) say(table);
};

/** The first bad rows on `stderr`, all of them in the file `path`. */
export const listBadRows = async (
  { bad }: Survey,
  { encoding }: ReplayOptions,
  path: string,
  stderr: NodeJS.WriteStream,
): Promise<void> => {
  if (bad.length === 0) return;
  const lines = bad.map(({ line, reason }) => `line ${line}: ${reason}`);
  for (const line of lines.slice(0, MAX_LISTED)) stderr.write(`bad row, ${line}\n`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${lines.join("\n")}\n`);
  stderr.write(`${count(bad.length)} bad rows are not sent; all of them: ${path}\n`);
  if (encoding !== null && lines.some((line) => line.includes("damaged character")))
    stderr.write("hint: without --encoding the encoding is detected\n");
  for (const [pattern, hint] of HINTS)
    if (lines.some((line) => pattern.test(line))) stderr.write(`hint: ${hint}\n`);
};

/** What became of every row; `replayed` is null for a dry run. The status is 3 when too many rows could not be read. */
export const closeReport = (
  survey: Survey,
  options: ReplayOptions,
  replayed: Total | null,
  say: Say,
): number => {
  const { rows, bad, leftOut, totals } = survey;
  const out = sumOf(new Map(leftOut));
  const reasons = [...leftOut]
    .sort(([, a], [, b]) => b.orders - a.orders)
    .map(
      ([reason, { orders, cents }]) => `${reason}: ${count(orders)}${cents === 0 ? "" : `, ${money(cents)}`}`,
    );
  const more = reasons.length > MAX_REASONS ? `; and ${reasons.length - MAX_REASONS} more reasons` : "";
  const { orders, cents } = replayed ?? sumOf(totals);
  say(`Rows read:         ${count(rows.length + bad.length + out.orders)}`);
  say(
    `${replayed === null ? "To be replayed:    " : "Replayed:          "}${count(orders)}, ${money(cents)}`,
  );
  say(
    `Left out:          ${count(out.orders)}${out.orders === 0 ? "" : ` (${reasons.slice(0, MAX_REASONS).join("; ")}${more})`}`,
  );
  if (replayed !== null && orders !== rows.length) say(`Not accepted:      ${count(rows.length - orders)}`);
  say(`Could not be read: ${count(bad.length)}`);
  const isTooMuch = bad.length > (rows.length + bad.length) * MAX_BAD_SHARE;
  if (!isTooMuch || options.allowBad) return OK;
  say("More than 1 % of the rows could not be read: the exit status is 3. --allow-bad accepts that.");
  return UNREADABLE;
};
