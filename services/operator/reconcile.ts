/** Compares the rollups with the orders that they are computed from, and rebuilds those that differ. */
import { parseArgs } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import {
  type Difference,
  type Figures,
  isEqual,
  type Reconciled,
  reconcile,
} from "#shared/store/reconcile.ts";
import { type Repaired, repair } from "#shared/store/repair.ts";
import { type Command, FOUND, OK, UsageError } from "./command.ts";

/** For one statement, which may read all orders: a million takes seconds. */
const LONGEST_MS = 30 * 60_000;
/** For a terminal; --json has more. */
const MAX_LINES = 20;

export const reconcileCommand: Command = {
  name: "reconcile",
  summary: "compares the rollups with the orders that they are computed from",
  usage: `reconcile            lists every difference; the status is 1 when there is one
reconcile --repair   rebuilds the rows that differ; orders are accepted meanwhile, and counting pauses briefly
reconcile --json     the same as JSON, also with --repair`,
  run: async (args, { pool, say, signal }) => {
    const { isRepair, isJson } = optionsOf(args);
    const caller = { longestMs: LONGEST_MS, signal };
    const found = isRepair ? await repair(pool, caller) : await reconcile(pool, caller);
    if (isJson) say(JSON.stringify({ equal: isEqual(found), ...found }));
    else for (const line of linesOf(found)) say(line);
    return isRepair || isEqual(found) ? OK : FOUND;
  },
};

const optionsOf = (args: readonly string[]): { isRepair: boolean; isJson: boolean } => {
  try {
    const options = { repair: { type: "boolean" }, json: { type: "boolean" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    return { isRepair: values.repair === true, isJson: values.json === true };
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
};

const linesOf = (found: Reconciled | Repaired): string[] => {
  const history = Object.entries(found.history).map(
    ([relation, until]) =>
      `${relation} up to ${until} were dropped by retention: buckets that need them are not compared`,
  );
  if (isEqual(found)) return [...history, `Equal: the rollups agree with ${found.orders} orders.`];
  const totals = found.totals.map(
    ({ mode, want, have }) => `applied ${mode}: orders ${have}; should be ${want}`,
  );
  const rows = found.first.slice(0, MAX_LINES).map(lineOf);
  const all = Object.values(found.rows).reduce((sum, n) => sum + n, 0);
  const per = Object.entries(found.rows).map(([rollup, n]) => `${rollup} ${n}`);
  const more = all > rows.length ? [`and ${all - rows.length} more: ${per.join(", ")}`] : [];
  return [...history, ...totals, ...rows, ...more, endOf(found, all + totals.length)];
};

const lineOf = ({ rollup, bucket, mode, store, drink, want, have }: Difference): string => {
  const key = [rollup, bucket, mode, store, drink].filter((part) => part !== null).join(" ");
  return `${key}: ${textOf(have)}; should be ${textOf(want)}`;
};

const textOf = (figures: Figures | null): string =>
  figures === null ? "nothing" : `orders ${figures.orders}, revenue ${(figures.cents / 100).toFixed(2)}`;

const endOf = (found: Reconciled | Repaired, differing: number): string => {
  const rows = differing === 1 ? "1 row" : `${differing} rows`;
  if (!("epoch" in found))
    return `${rows} differ from ${found.orders} orders. To rebuild: reconcile --repair`;
  const waited = `counting waited ${Math.ceil(found.heldMs)} ms`;
  return `Rebuilt ${rows} from their orders; ${waited}; boards continue as epoch ${found.epoch}.`;
};
