/**
 * What a replay remembers between two starts: one small JSON file for each file, mode and set of options. An
 * interrupted replay continues with the same keys, so that no order counts twice.
 */
import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KEY_MAX_AGE_MS } from "#shared/domain/order.ts";
import { DAY_MS, iso } from "#shared/domain/time.ts";
import type { ReplayOptions } from "./command-line.ts";
import { count, money } from "./output.ts";
import { sumOf, type Total, type Totals } from "./totals.ts";

export type ReplayState = {
  /** The time in every key: when this replay was first started. */
  readonly keyTimeMs: number;
  readonly shiftMs: number;
  /** Rows, in the order of time, that were all accepted. */
  readonly sentTo: number;
  /** What the system had counted in these hours before: `[store and drink, orders, cents]`. */
  readonly baseline: readonly (readonly [string, number, number])[];
};

/** Older keys are rejected, and a replay that continues needs time to end. */
export const STATE_MAX_AGE_MS = KEY_MAX_AGE_MS - DAY_MS;

export type Places = {
  readonly state: string;
  readonly badRows: string;
  /** For a system that is started for this replay. */
  readonly systemFolder: string;
};

/** Where a replay keeps its files. Options that do not change the orders (speed, keep) do not matter. */
export const placesFor = (folder: string, sha256: string, options: ReplayOptions): Places => {
  const { mode, url, columns, dateOrder, storeName, timeZone, encoding, keepTime } = options;
  const { hasHeader, leaveOut, guessesStatus, currency, decimal } = options;
  const chosen = Object.entries(columns).sort();
  const reading = [chosen, dateOrder, storeName, timeZone, encoding, hasHeader, leaveOut, guessesStatus];
  const replay = [sha256, mode, url, reading, currency, decimal, keepTime];
  const base = join(folder, hash("sha256", JSON.stringify(replay)).slice(0, 16));
  return { state: `${base}.json`, badRows: `${base}.bad-rows.txt`, systemFolder: base };
};

/** The state of an earlier run; null when there is none. */
const loadState = async (path: string): Promise<ReplayState | null> => {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const state = JSON.parse(text) as Partial<ReplayState>;
  const isWhole = [state.keyTimeMs, state.shiftMs, state.sentTo].every(Number.isSafeInteger);
  if (!isWhole || !Array.isArray(state.baseline))
    throw new Error(`${path} is no state of a replay: --fresh starts over`);
  return state as ReplayState;
};

/** Written to another file and renamed: a killed replay leaves the old or the new state, not half of one. */
export const saveState = async (path: string, state: ReplayState): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(state));
  await rename(`${path}.new`, path);
};

/** Removes a replay's state and the data of the system that was started for it. */
export const forget = async ({ state, systemFolder }: Places): Promise<void> => {
  for (const path of [state, systemFolder]) await rm(path, { recursive: true, force: true });
};

export const baselineOf = ({ baseline }: ReplayState): Totals =>
  new Map(baseline.map(([key, orders, cents]) => [key, { orders, cents }]));

type Say = (line: string) => void;

/** The state of an earlier run that can be continued; any other is removed, with the data of its own system. */
export const earlierState = async (
  places: Places,
  isFresh: boolean,
  nowMs: number,
  say: Say,
): Promise<ReplayState | null> => {
  const state = isFresh ? null : await loadState(places.state);
  const isTooOld = state !== null && nowMs - state.keyTimeMs > STATE_MAX_AGE_MS;
  if (isTooOld)
    say(`The earlier run of ${iso(state.keyTimeMs)} has expired keys: every sale is sent as a new order.`);
  if (state === null || isTooOld) {
    await forget(places);
    return null;
  }
  say(`Continuing the run of ${iso(state.keyTimeMs)} with the same keys (--fresh starts over).`);
  return state;
};

/**
 * The state to run with, saved before the first order is sent: that of the earlier run while the system has its
 * orders, else a new one. `read` returns what the system has counted in the hours of the sales, shifted by so much.
 */
export const beginState = async (
  path: string,
  earlier: ReplayState | null,
  shiftMs: number,
  read: (shiftMs: number) => Promise<Totals>,
  say: Say,
): Promise<ReplayState> => {
  if (earlier) {
    const counted = await read(earlier.shiftMs);
    const has = ([key, { orders }]: [string, Total]): boolean => (counted.get(key)?.orders ?? 0) >= orders;
    if ([...baselineOf(earlier)].every(has)) return earlier;
    say("The system no longer has the orders it had when this replay began: it starts over.");
  }
  const before = await read(shiftMs);
  const { orders, cents } = sumOf(before);
  if (orders > 0)
    say(
      `The system has counted ${count(orders)} orders (${money(cents)}) of this mode in these hours already: ` +
        "only what is added to them is compared.",
    );
  const baseline = [...before].map(([key, total]) => [key, total.orders, total.cents] as const);
  const state = { keyTimeMs: Date.now(), shiftMs, sentTo: 0, baseline };
  await saveState(path, state);
  return state;
};
