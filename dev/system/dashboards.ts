/** Compares what dashboards show with the stored orders: counts, revenue to the cent, top drinks, drinks and stores. */
import { isDeepStrictEqual } from "node:util";
import { TOP_DRINKS, TOP_STORES } from "#shared/domain/board.ts";
import type { Dashboard, LiveFrame } from "#shared/domain/dashboard.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { waitUntil } from "./wait.ts";

/** A dashboard by its name in a report; null while it has shown nothing. */
export type DashboardSource = {
  readonly name: string;
  readonly read: () => Dashboard | null | Promise<Dashboard | null>;
};

type Sales = { readonly orders: number; readonly cents: number };

/** What a dashboard shows of a mode, or has to show. */
export type Shown = {
  /** All orders of the mode, those of this hour, and the top drinks of today and the 29 days before. */
  readonly figures: Readonly<Record<string, number | readonly string[]>>;
  /** Sales of this hour by name; those of stores best first. */
  readonly drinks: ReadonlyMap<string, Sales>;
  readonly stores: ReadonlyMap<string, Sales>;
};

const FRAME_WITHIN_MS = 5_000;
const PROTOCOL = "coffee-rt.v1";
const MOST_EXAMPLES = 3;

// an order of a later hour does not belong to this one: a client's clock may be ahead
const HOUR = `event_time >= date_trunc('hour', now(), 'UTC')
  AND event_time < date_trunc('hour', now(), 'UTC') + interval '1 hour'`;
const MONTH = `event_time >= date_trunc('day', now(), 'UTC') - interval '696 hours'
  AND event_time < date_trunc('day', now(), 'UTC') + interval '24 hours'`;

const FIGURES = `
SELECT count(*)::float8 AS "orders",
       count(*) FILTER (WHERE ${HOUR})::float8 AS "hourOrders",
       coalesce(sum(price_cents) FILTER (WHERE ${HOUR}), 0)::float8 AS "hourCents",
       (SELECT coalesce(json_agg(drink), '[]') FROM
         (SELECT drink FROM orders WHERE mode = $1 AND ${MONTH}
          GROUP BY drink ORDER BY count(*) DESC, drink COLLATE "C" LIMIT ${TOP_DRINKS}) AS top) AS "topDrinks"
FROM orders WHERE mode = $1`;

const SALES_BY = (column: "drink" | "store"): string => `
SELECT ${column} AS name, count(*)::float8 AS orders, sum(price_cents)::float8 AS cents FROM orders
WHERE mode = $1 AND ${HOUR} GROUP BY 1 ORDER BY 2 DESC, ${column} COLLATE "C"`;

/** What dashboards have to show, computed from the orders. */
export const expectedIn = async (pool: Pool, mode: string): Promise<Shown> => {
  const salesBy = async (column: "drink" | "store"): Promise<Shown["drinks"]> => {
    const { rows } = await pool.query<Sales & { name: string }>(SALES_BY(column), [mode]);
    return new Map(rows.map(({ name, orders, cents }) => [name, { orders, cents }]));
  };
  const { rows } = await pool.query<Shown["figures"]>(FIGURES, [mode]);
  return { figures: rows[0] ?? {}, drinks: await salesBy("drink"), stores: await salesBy("store") };
};

export const shownBy = (dashboard: Dashboard | null, mode: string): Shown => ({
  figures: {
    orders: dashboard?.modes[mode]?.orders ?? 0,
    hourOrders: dashboard?.current_hour?.order_count ?? 0,
    hourCents: centsOf(dashboard?.current_hour?.revenue ?? 0),
    topDrinks: dashboard?.top5_drinks ?? [],
  },
  drinks: new Map(dashboard?.hour_drinks.map(({ drink, ...sales }) => [drink, salesOf(sales)])),
  stores: new Map(dashboard?.hour_stores.map(({ store, ...sales }) => [store, salesOf(sales)])),
});

const salesOf = ({ orders, revenue }: { orders: number; revenue: number }): Sales => ({
  ...{ orders, cents: centsOf(revenue) },
});

const centsOf = (revenue: number): number => Math.round(revenue * 100);

/** One text for each difference; [] when the dashboard is right. Of the stores it shows the best ones alone. */
export const differencesIn = (want: Shown, shown: Shown): string[] => {
  const figures = Object.entries(want.figures).flatMap(([name, value]) => {
    const other = shown.figures[name];
    return isDeepStrictEqual(value, other) ? [] : [`${name} ${other} instead of ${value}`];
  });
  const stores = [...want.stores].filter(([name], place) => place < TOP_STORES || shown.stores.has(name));
  return [
    ...figures,
    ...salesDifferences(want.drinks, shown.drinks),
    ...salesDifferences(new Map(stores), shown.stores),
  ];
};

const salesDifferences = (want: Shown["drinks"], shown: Shown["drinks"]): string[] =>
  [...new Set([...want.keys(), ...shown.keys()])].flatMap((name) => {
    const [expected, found] = [textOf(want.get(name)), textOf(shown.get(name))];
    return expected === found ? [] : [`${name} ${found} instead of ${expected}`];
  });

const textOf = ({ orders, cents }: Sales = { orders: 0, cents: 0 }): string =>
  orders === 0 ? "0 orders" : `${orders} orders for ${cents} cents`;

/** One sentence for each source that does not show the orders in time: a board is published after the count. */
export const dashboardProblems = async (
  pool: Pool,
  mode: string,
  sources: readonly DashboardSource[],
  withinMs: number,
): Promise<string[]> => {
  const compare = async (): Promise<string[]> => {
    const shown = await Promise.all(sources.map(shownNow));
    const want = await expectedIn(pool, mode);
    return sources.flatMap(({ name }, index) => {
      const dashboard = shown[index] ?? null;
      const differences =
        typeof dashboard === "string" ? [dashboard] : differencesIn(want, shownBy(dashboard, mode));
      return differences.length === 0 ? [] : [`${name} differs from the orders: ${firstOf(differences)}`];
    });
  };
  let problems: string[] = [];
  const agree = async (): Promise<boolean> => {
    problems = await compare().catch((error: unknown) => [messageOf(error)]);
    return problems.length === 0;
  };
  await waitUntil("dashboards show the orders", agree, withinMs).catch(() => undefined);
  return problems;
};

/** The dashboard, or why there is none. */
const shownNow = async ({ read }: DashboardSource): Promise<Dashboard | string | null> => {
  try {
    return await read();
  } catch (error) {
    return messageOf(error);
  }
};

const firstOf = (texts: readonly string[]): string => {
  const more = texts.length > MOST_EXAMPLES ? ` and ${texts.length - MOST_EXAMPLES} more` : "";
  return `${texts.slice(0, MOST_EXAMPLES).join(", ")}${more}`;
};

export const readDashboard = async (apiUrl: string, mode: string): Promise<Dashboard> =>
  (await (await fetch(`${apiUrl}/api/dashboard?mode=${mode}`)).json()) as Dashboard;

/** The snapshot that a new WebSocket receives: the sum of all frames before. */
export const readSnapshot = (apiUrl: string, mode: string): Promise<Dashboard> =>
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
    socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
    socket.onclose = () => {
      clearTimeout(late);
      reject(new Error(`no snapshot from ${url}`));
    };
  });
