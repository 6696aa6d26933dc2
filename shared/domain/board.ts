import type { ModeName } from "./order.ts";

/**
 * The board: the published metrics. Every value is absolute, computed from committed rollups.
 *
 * Boards are ordered by (epoch, version, asOfUs): `version` grows with every commit that changed a rollup,
 * `epoch` when the data itself was replaced (a restore, a repair), and time alone changes a board too.
 */
export type Board = {
  readonly epoch: number;
  readonly version: number;
  /** PostgreSQL's clock at the read, in microseconds since 1970. */
  readonly asOfUs: number;
  /** When the stores were ranked, at most a second before; in microseconds too. */
  readonly storesAsOfUs: number;
  /** Start of the UTC hour that the `hour` members are about. */
  readonly hourStartMs: number;
  /** By mode, and `all` for the sum of them. */
  readonly views: Readonly<Record<ModeName | "all", View>>;
};

export type View = {
  /** Orders counted since the beginning. */
  readonly orders: number;
  /** Orders counted per second, exponentially weighted over the last 10 seconds. */
  readonly ratePerSecond: number;
  /** From accept to commit for the slowest order of the latest batch; null when nothing came for a minute. */
  readonly freshnessMs: number | null;
  readonly hourDrinks: readonly Sales[];
  /** The 50 stores with the most orders, and those pinned. */
  readonly hourStores: readonly Sales[];
  readonly hour: Totals;
  /** Names of the five drinks with the most orders of the last 30 days. */
  readonly topDrinks: readonly string[];
  /** The last 60 minutes that have orders, oldest first; `[minute start in ms, orders, cents]`. */
  readonly minutes: readonly (readonly [number, number, number])[];
  /** The 50 orders accepted last, latest first; none in `all`, where `recentIn` merges those of the modes. */
  readonly recent: readonly RecentOrder[];
};

/** Of a mode that sold nothing yet. */
export const EMPTY_VIEW: View = {
  orders: 0,
  ratePerSecond: 0,
  freshnessMs: null,
  hour: { orders: 0, cents: 0 },
  hourDrinks: [],
  hourStores: [],
  topDrinks: [],
  minutes: [],
  recent: [],
};

export type Totals = { readonly orders: number; readonly cents: number };
export type Sales = Totals & { readonly name: string };
export type RecentOrder = {
  readonly id: string;
  readonly drink: string;
  readonly store: string;
  readonly cents: number;
  readonly eventTimeMs: number;
  readonly acceptedAtMs: number;
};

export const RECENT_ORDERS = 50;
export const TOP_STORES = 50;
export const TOP_DRINKS = 5;

/** Most orders first; ties by name, so that every reader shows the same list. */
export const byOrders = (a: Sales, b: Sales): number =>
  b.orders - a.orders || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Latest accepted first; ids settle ties. */
export const byAccepted = (a: RecentOrder, b: RecentOrder): number =>
  b.acceptedAtMs - a.acceptedAtMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

/** The orders accepted last by any mode, latest first. */
export const recentIn = ({ views }: Board): RecentOrder[] =>
  Object.values(views)
    .flatMap(({ recent }) => recent)
    .sort(byAccepted)
    .slice(0, RECENT_ORDERS);
