/**
 * The system's own totals, by GET /api/sales.
 */
import { iso } from "#shared/domain/time.ts";
import type { Client } from "./client.ts";
import { openPatience, reasonIn } from "./patience.ts";
import { addTo, keyOf, type Totals } from "./totals.ts";

export type SalesQuestion = { readonly mode: string; readonly fromMs: number; readonly toMs: number };

type Page = {
  readonly rows: readonly {
    readonly store: string;
    readonly drink: string;
    readonly orders: number;
    readonly revenue: number;
  }[];
  readonly next: string | null;
};

const PAGE_ROWS = 10_000;

/** Orders and cents per store and drink in these hours. `limitMs` is how long a stack that is away is waited for. */
export const readTotals = async (
  client: Client,
  { mode, fromMs, toMs }: SalesQuestion,
  limitMs: number,
  signal: AbortSignal,
): Promise<Totals> => {
  const patience = openPatience(limitMs);
  const totals: Totals = new Map();
  const query = new URLSearchParams({
    from: iso(fromMs),
    to: iso(toMs),
    bucket: "hour",
    mode,
    limit: String(PAGE_ROWS),
  });
  for (let cursor: string | null = ""; cursor !== null; ) {
    if (cursor !== "") query.set("cursor", cursor);
    const reply = await patience.ask(() => client.get(`/api/sales?${query}`), signal);
    if (reply.status !== 200)
      throw new Error(`the stack answers ${reply.status} to GET /api/sales: ${reasonIn(reply)}`);
    const page = JSON.parse(reply.body) as Page;
    // A JSON number of cents and currency units is the double nearest to it: rounding finds the cents again.
    for (const { store, drink, orders, revenue } of page.rows)
      addTo(totals, keyOf(store, drink), orders, Math.round(revenue * 100));
    cursor = page.next;
  }
  return totals;
};
