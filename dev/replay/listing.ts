/**
 * What a replay tells about its rows: what the file holds, which rows are bad, which the stack refused.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import type { Say } from "./begin.ts";
import { count, money, table } from "./figures.ts";
import type { ReplayOptions } from "./options.ts";
import { shiftToNow, spanOf } from "./plan.ts";
import type { Progress } from "./send.ts";
import type { Places } from "./state.ts";
import type { Row, Survey } from "./survey.ts";

/** The rest is in the file beside the state. */
const MOST_LISTED = 20;
/** What fits a screen. */
const MOST_TOTALS = 40;

export const describeSurvey = (survey: Survey, options: ReplayOptions, say: Say): void => {
  const { rows, bad, stores, drinks, columns, notes } = survey;
  const { firstMs, lastMs } = spanOf(rows);
  const cents = rows.reduce((sum, row) => sum + row.cents, 0);
  say(`Columns: ${columns}`);
  for (const note of notes) say(`Note: ${note}.`);
  say(
    `${count(rows.length)} sales, ${money(cents)}; ${count(stores.length)} stores, ${count(drinks.length)} drinks; ${count(bad.length)} bad rows`,
  );
  if (rows.length > 0) say(`From ${iso(firstMs)} to ${iso(lastMs)} (the shop's clock: ${options.timeZone})`);
  if (!options.dryRun) return;
  const shiftDays = options.keepTime ? 0 : shiftToNow(lastMs, Date.now()) / DAY_MS;
  say(
    `They would be sent by ${options.mode}, ${shiftDays === 0 ? "at their own dates" : `dated ${shiftDays} days later`}.`,
  );
  if (survey.totals.size > MOST_TOTALS) return;
  const lines = [...survey.totals]
    .sort()
    .map(([key, total]) => [...key.split("\0"), count(total.orders), money(total.cents)]);
  say(table([["store", "drink", "orders", "revenue"], ...lines]));
};

export const listBadRows = async (
  { bad }: Survey,
  places: Places,
  stderr: NodeJS.WriteStream,
): Promise<void> => {
  if (bad.length === 0) return;
  const lines = bad.map(({ line, reason }) => `line ${line}: ${reason}`);
  for (const line of lines.slice(0, MOST_LISTED)) stderr.write(`bad row, ${line}\n`);
  await mkdir(dirname(places.badRows), { recursive: true });
  await writeFile(places.badRows, `${lines.join("\n")}\n`);
  stderr.write(`${count(bad.length)} bad rows are not sent; all of them: ${places.badRows}\n`);
};

export const listRefused = (
  { refused }: Progress,
  rows: readonly Row[],
  stderr: NodeJS.WriteStream,
): void => {
  if (refused.length === 0) return;
  for (const { index, reason } of refused.slice(0, MOST_LISTED))
    stderr.write(`refused, line ${rows[index]?.line}: ${reason}\n`);
  stderr.write(`${count(refused.length)} rows were refused by the stack\n`);
};
