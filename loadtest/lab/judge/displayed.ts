/**
 * What dashboards show, held against the orders themselves: the reply of GET /api/dashboard, and what a WebSocket brings
 * to somebody who comes now.
 */
import { isDeepStrictEqual } from "node:util";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import type { LiveFrame } from "#shared/domain/live.ts";
import type { Pool } from "#shared/store/pool.ts";
import { figuresIn, figuresOf } from "../../../dev/faults/figures.ts";
import { pollUntil } from "../../../dev/faults/poll.ts";

type Sold = { readonly name: string; readonly orders: number; readonly cents: number };

const AGREE_WITHIN_MS = 10_000;
const FRAME_WITHIN_MS = 5_000;
const PROTOCOL = "coffee-rt.v1";
/** Of the stores of the hour a board has so many, and those that are pinned. */
const TOP_STORES = 50;

const SOLD_BY = (column: "drink" | "store"): string => `
SELECT ${column} AS name, count(*)::float8 AS orders, sum(price_cents)::float8 AS cents FROM orders
WHERE mode = $1 AND event_time >= date_trunc('hour', now(), 'UTC')
  AND event_time < date_trunc('hour', now(), 'UTC') + interval '1 hour'
GROUP BY 1 ORDER BY 2 DESC, 1`;

const soldBy = async (pool: Pool, mode: string, column: "drink" | "store"): Promise<Sold[]> =>
  (await pool.query<Sold>(SOLD_BY(column), [mode])).rows;

/** A sentence for each way of looking that does not come to agree with the orders. */
export const boardProblems = async (pool: Pool, apiUrl: string, mode: string): Promise<string[]> => {
  const ways: readonly [string, () => Promise<Dashboard>][] = [
    ["the board", () => boardOf(apiUrl, mode)],
    ["the last WebSocket frame", () => frameOf(apiUrl, mode)],
  ];
  const problems = await Promise.all(ways.map(([name, look]) => differenceOf(name, look, pool, mode)));
  return problems.flat();
};

/** A board is published a moment after the last order was counted. */
const differenceOf = async (
  name: string,
  look: () => Promise<Dashboard>,
  pool: Pool,
  mode: string,
): Promise<string[]> => {
  let last = "nothing came";
  const agrees = async (): Promise<boolean> => {
    const shown = shownIn(await look(), mode);
    const want = await wantedIn(pool, mode, shown);
    last = differencesIn(want, shown);
    return isDeepStrictEqual(shown, want);
  };
  try {
    await pollUntil("agreement", () => agrees().catch(() => false), AGREE_WITHIN_MS);
    return [];
  } catch {
    return [`${name} is not what the orders say: ${last}`];
  }
};

const MOST_TOLD = 3;

/** The first few, as a person would look for them. */
export const differencesIn = (
  want: ReturnType<typeof shownIn>,
  shown: ReturnType<typeof shownIn>,
): string => {
  const figures = Object.entries(want.figures).flatMap(([name, value]) => {
    const other = shown.figures[name as keyof typeof want.figures];
    return isDeepStrictEqual(value, other) ? [] : [`${name} ${other} instead of ${value}`];
  });
  const sold = (["drinks", "stores"] as const).flatMap((kind) =>
    want[kind].flatMap((each) => {
      const other = shown[kind].find(({ name }) => name === each.name);
      if (other?.orders === each.orders && other.cents === each.cents) return [];
      return [`${each.name} ${other?.orders ?? 0} orders instead of ${each.orders}`];
    }),
  );
  const all = [...figures, ...sold];
  const more = all.length > MOST_TOLD ? ` and ${all.length - MOST_TOLD} more` : "";
  return all.length === 0 ? "something that was not sold" : `${all.slice(0, MOST_TOLD).join(", ")}${more}`;
};

const shownIn = (dashboard: Dashboard, mode: string) => ({
  figures: figuresOf(dashboard, mode),
  drinks: sorted(dashboard.hour_drinks.map(({ drink, ...of }) => soldOf(drink, of))),
  stores: sorted(dashboard.hour_stores.map(({ store, ...of }) => soldOf(store, of))),
});

/** Of stores those that are shown: the first fifty must be among them. */
const wantedIn = async (pool: Pool, mode: string, shown: ReturnType<typeof shownIn>) => {
  const [figures, drinks, stores] = [
    await figuresIn(pool, mode),
    await soldBy(pool, mode, "drink"),
    await soldBy(pool, mode, "store"),
  ];
  const isShown = new Set(shown.stores.map(({ name }) => name));
  const wanted = stores.filter(({ name }, index) => index < TOP_STORES || isShown.has(name));
  return { figures, drinks: sorted(drinks), stores: sorted(wanted) };
};

const soldOf = (name: string, { orders, revenue }: { orders: number; revenue: number }): Sold => ({
  ...{ name, orders, cents: Math.round(revenue * 100) },
});

const sorted = (sold: readonly Sold[]): Sold[] =>
  sold.filter(({ orders }) => orders > 0).sort((a, b) => b.orders - a.orders || (a.name < b.name ? -1 : 1));

const boardOf = async (apiUrl: string, mode: string): Promise<Dashboard> =>
  (await (await fetch(`${apiUrl}/api/dashboard?mode=${mode}`)).json()) as Dashboard;

/** The snapshot that a newcomer is sent is the state that every frame before led to. */
const frameOf = (apiUrl: string, mode: string): Promise<Dashboard> =>
  new Promise((resolve, reject) => {
    const url = `${apiUrl.replace(/^http/, "ws")}/ws/dashboard?mode=${mode}`;
    const socket = new WebSocket(url, PROTOCOL);
    const late = setTimeout(() => socket.close(), FRAME_WITHIN_MS);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as LiveFrame;
      if (frame.type !== "snapshot") return;
      resolve(frame.data);
      socket.close();
    };
    socket.onerror = () => reject(new Error("no WebSocket"));
    socket.onclose = () => {
      clearTimeout(late);
      reject(new Error("no frame"));
    };
  });
