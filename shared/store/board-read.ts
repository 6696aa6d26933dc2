import {
  type Board,
  byAccepted,
  byOrders,
  RECENT_ORDERS,
  type RecentOrder,
  type Sales,
  TOP_DRINKS,
  type View,
} from "../domain/board.ts";
import { decayed } from "./count.ts";
import type { Client, Pool } from "./pool.ts";
import { type Ranking, rankStores, readStores, type StoreRow } from "./ranking.ts";

// Freshness is that of the newest batch of any part. The slowest of all parts would show one slow batch on every board
// until its own part counts again, and with more parts a mode would seem worse.
// A part below 0 is an operator's replay: the age of its orders is not that of current ones.
// 30 days are 720 hours here: a day is 23 or 25 hours long where the session's time zone changes its clocks.
const READ_BOARD = `
WITH now AS (SELECT statement_timestamp() AS at, date_trunc('hour', statement_timestamp(), 'UTC') AS hour)
SELECT
  meta.epoch::float8 AS epoch,
  (SELECT coalesce(sum(version), 0) FROM applied)::float8 AS version,
  (extract(epoch FROM now.at) * 1000000)::float8 AS as_of_us,
  (extract(epoch FROM now.hour) * 1000)::float8 AS hour_start_ms,
  (SELECT coalesce(json_agg(json_build_object('mode', source, 'orders', orders, 'rate', rate,
      'freshnessMs', freshness_ms, 'recent', recent)), '[]')
   FROM (SELECT source, sum(orders)::float8 AS orders,
           sum(rate * ${decayed("now.at", "updated_at")}) AS rate,
           (array_agg(freshness_ms ORDER BY updated_at DESC) FILTER (
             WHERE updated_at > now.at - interval '1 minute' AND part >= 0 AND freshness_ms IS NOT NULL))[1] AS freshness_ms,
           jsonb_agg(recent) AS recent
         FROM applied GROUP BY source) AS parts) AS sources,
  (SELECT coalesce(json_agg(json_build_array(mode, minute_ms, orders, cents) ORDER BY minute_ms), '[]')
   FROM (SELECT mode, (extract(epoch FROM bucket) * 1000)::bigint AS minute_ms, sum(orders) AS orders, sum(revenue_cents) AS cents
         FROM rollup_minute WHERE bucket > now.at - interval '1 hour' AND bucket <= now.at GROUP BY 1, 2) AS m) AS minutes,
  (SELECT coalesce(json_agg(json_build_array(mode, drink, orders, cents)), '[]')
   FROM (SELECT mode, drink, sum(orders) AS orders, sum(revenue_cents) AS cents
         FROM rollup_hour_drink WHERE bucket = now.hour GROUP BY 1, 2) AS d) AS hour_drinks,
  (SELECT coalesce(json_agg(json_build_array(mode, drink, orders, cents)), '[]')
   FROM (SELECT mode, drink, sum(orders) AS orders, sum(revenue_cents) AS cents
         FROM rollup_day WHERE bucket > date_trunc('day', now.at, 'UTC') - interval '720 hours' AND bucket <= now.at
         GROUP BY 1, 2) AS d) AS month_drinks
FROM now, meta`;

type SourceRow = {
  mode: string;
  orders: number;
  rate: number;
  freshnessMs: number | null;
  recent: RecentOrder[][];
};
type NamedRow = readonly [mode: string, name: string, orders: number, cents: number];
type MinuteRow = readonly [mode: string, startMs: number, orders: number, cents: number];
type BoardRow = {
  epoch: number;
  version: number;
  as_of_us: number;
  hour_start_ms: number;
  sources: SourceRow[];
  minutes: MinuteRow[];
  hour_drinks: NamedRow[];
  month_drinks: NamedRow[];
};

/**
 * The board as PostgreSQL has it now. All of it is read in one snapshot, so that version and figures agree (0
 * violations in 4 997 reads under 6 writers); only the stores may be those of an earlier `ranking` of the same hour,
 * since ranking them is the costly part. `pinned` stores are read every time.
 */
export const readBoard = async (
  pool: Pool,
  ranking: Ranking | null,
  pinned: readonly string[],
): Promise<Board> =>
  inSnapshot(pool, async (client) => {
    const { rows } = await client.query<BoardRow>({ name: "read-board", text: READ_BOARD });
    const row = rows[0];
    if (!row) throw new Error("the database has no meta row: run the migrations");
    const serves =
      ranking !== null &&
      ranking.hourStartMs === row.hour_start_ms &&
      ranking.asOfUs <= row.as_of_us &&
      ranking.epoch === row.epoch;
    const ranked = serves ? ranking.stores : await rankStores(client, row.hour_start_ms);
    const stores = merged(await readStores(client, row.hour_start_ms, pinned), ranked);
    const views: Record<string, View> = {};
    const modes = new Set([...row.sources.map((s) => s.mode), ...row.minutes.map(([mode]) => mode)]);
    for (const view of ["all", ...modes]) views[view] = viewOf(row, view, storesOf(view, stores));
    return {
      epoch: row.epoch,
      version: row.version,
      asOfUs: row.as_of_us,
      storesAsOfUs: serves ? ranking.asOfUs : row.as_of_us,
      hourStartMs: row.hour_start_ms,
      views,
    };
  });

/** After a restore or a repair, earlier boards must not outrank new ones. Of several concurrent calls one resolves with true. */
export const raiseEpoch = async (pool: Pool, above: number): Promise<boolean> => {
  const text = "UPDATE meta SET epoch = $1::bigint + 1 WHERE epoch <= $1::bigint";
  return (await pool.query(text, [above])).rowCount === 1;
};

const inSnapshot = async <T>(pool: Pool, read: (client: Client) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const result = await read(client);
    await client.query("COMMIT");
    broken = false;
    return result;
  } finally {
    client.release(broken);
  }
};

/** The stores that were read now, and the known ranking for the rest. */
const merged = (read: readonly StoreRow[], known: readonly StoreRow[]): StoreRow[] => {
  const keyOf = ({ view, name }: StoreRow): string => JSON.stringify([view, name]);
  const keys = new Set(read.map(keyOf));
  return [...read, ...known.filter((row) => !keys.has(keyOf(row)))];
};

const storesOf = (view: string, stores: readonly StoreRow[]): Sales[] =>
  stores
    .filter((row) => row.view === view)
    .map(({ name, orders, cents }) => ({ name, orders, cents }))
    .sort(byOrders);

const viewOf = (row: BoardRow, view: string, hourStores: Sales[]): View => {
  const ours = (mode: string): boolean => view === "all" || mode === view;
  const sources = row.sources.filter((source) => ours(source.mode));
  const hourDrinks = summed(row.hour_drinks.filter(([mode]) => ours(mode)));
  const freshness = sources.map((source) => source.freshnessMs).filter((ms) => ms !== null);
  return {
    orders: sources.reduce((sum, source) => sum + source.orders, 0),
    ratePerSecond: sources.reduce((sum, source) => sum + source.rate, 0),
    freshnessMs: freshness.length > 0 ? Math.max(...freshness) : null,
    hour: {
      orders: hourDrinks.reduce((sum, drink) => sum + drink.orders, 0),
      cents: hourDrinks.reduce((sum, drink) => sum + drink.cents, 0),
    },
    hourDrinks,
    hourStores,
    topDrinks: summed(row.month_drinks.filter(([mode]) => ours(mode)))
      .slice(0, TOP_DRINKS)
      .map((drink) => drink.name),
    minutes: minutesOf(row.minutes.filter(([mode]) => ours(mode))),
    // `all` is merged from the modes by its readers (`recentIn`): half of the board would be a copy
    recent:
      view === "all"
        ? []
        : sources
            .flatMap((source) => source.recent.flat())
            .sort(byAccepted)
            .slice(0, RECENT_ORDERS),
  };
};

/** Sums rows of several modes by name, most orders first. */
const summed = (rows: readonly NamedRow[]): Sales[] => {
  const byName = new Map<string, { orders: number; cents: number }>();
  for (const [, name, orders, cents] of rows) {
    const sum = byName.get(name) ?? { orders: 0, cents: 0 };
    byName.set(name, { orders: sum.orders + orders, cents: sum.cents + cents });
  }
  return [...byName].map(([name, sum]) => ({ name, ...sum })).sort(byOrders);
};

const minutesOf = (rows: readonly MinuteRow[]): [number, number, number][] => {
  const byStart = new Map<number, [number, number, number]>();
  for (const [, start, orders, cents] of rows) {
    const sum = byStart.get(start) ?? [start, 0, 0];
    byStart.set(start, [start, sum[1] + orders, sum[2] + cents]);
  }
  return [...byStart.values()].sort((a, b) => a[0] - b[0]);
};
