/**
 * What a replay remembers between two starts, one small JSON file for each file, mode and set of options.
 */
import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KEY_MAX_AGE_MS } from "#shared/domain/order.ts";
import { DAY_MS } from "#shared/domain/time.ts";
import type { ReplayOptions } from "./options.ts";
import type { Totals } from "./totals.ts";

export type ReplayState = {
  /** The time in every key: when this replay was first started. */
  readonly keyTimeMs: number;
  readonly shiftMs: number;
  /** Rows, in the order of time, of which all were accepted. */
  readonly sentTo: number;
  /** What the system had counted in these hours before: `[store and drink, orders, cents]`. */
  readonly baseline: readonly (readonly [string, number, number])[];
};

/** Keys are refused when they are older than this, and a replay that goes on needs time to end. */
export const STATE_MAX_AGE_MS = KEY_MAX_AGE_MS - DAY_MS;

export type Places = {
  readonly state: string;
  readonly badRows: string;
  readonly catalogue: string;
  readonly stackLog: string;
  readonly data: string;
};

/** Where a replay keeps its things. Options that do not change the orders (speed, keep) do not count. */
export const placesFor = (folder: string, sha256: string, options: ReplayOptions): Places => {
  const { mode, url, columns, dateOrder, storeName, timeZone, encoding, keepTime } = options;
  const what = [
    sha256,
    mode,
    url,
    Object.entries(columns).sort(),
    dateOrder,
    storeName,
    timeZone,
    encoding,
    keepTime,
  ];
  const base = join(folder, hash("sha256", JSON.stringify(what)).slice(0, 16));
  return {
    state: `${base}.json`,
    badRows: `${base}.bad-rows.txt`,
    catalogue: `${base}.catalogue.json`,
    stackLog: `${base}.stack.log`,
    data: base,
  };
};

/** The state of an earlier run; null when there is none, or none that can be read. */
export const loadState = async (path: string): Promise<ReplayState | null> => {
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
    throw new Error(`${path} is no state of a replay: --fresh begins anew`);
  return state as ReplayState;
};

/** Written aside and renamed: a killed replay leaves the old or the new state, not half of one. */
export const saveState = async (path: string, state: ReplayState): Promise<void> => {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(state));
  await rename(`${path}.new`, path);
};

/** Removes a replay's state and its own stack's data. */
export const forget = async (places: Places): Promise<void> => {
  for (const path of [places.state, places.catalogue, places.stackLog, places.data])
    await rm(path, { recursive: true, force: true });
};

export const packed = (totals: Totals): ReplayState["baseline"] =>
  [...totals].map(([key, { orders, cents }]) => [key, orders, cents] as const);

export const unpacked = (baseline: ReplayState["baseline"]): Totals =>
  new Map(baseline.map(([key, orders, cents]) => [key, { orders, cents }]));
