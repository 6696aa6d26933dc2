import { type Board, byOrders, EMPTY_VIEW, recentIn, type Sales, TOP_DRINKS, type View } from "./board.ts";
import { type ModeName, priceOf } from "./order.ts";
import { HOUR_MS, hourStart, iso, MINUTE_MS } from "./time.ts";

/** The state of one mode as the API sees it: a dead worker cannot report on itself. */
export type ModeStatus = {
  /** Orders accepted and not yet counted; null while the mode's backend does not answer. */
  readonly lagOrders: number | null;
  readonly oldestPendingMs: number | null;
  readonly health: "ok" | "lagging" | "unavailable";
};

export type SoldItem = { drink: string; orders: number; revenue: number };
export type StoreSales = { store: string; orders: number; revenue: number };
export type MinuteSales = { minute: string; orders: number; revenue: number };
export type ModeFigures = {
  orders: number;
  rate: number;
  lag: number | null;
  oldest_pending_ms: number | null;
  freshness_ms: number | null;
  health: ModeStatus["health"];
};
export type DashboardOrder = { id: string; drink: string; store: string; price: number; timestamp: string };

/** The reply of GET /api/dashboard. The first four members are those of the earlier system, for its clients. */
export type Dashboard = {
  current_hour: { hour: number; top_drinks: string[]; revenue: number; order_count: number } | null;
  top5_drinks: string[];
  recent_orders: DashboardOrder[];
  server_timestamp: string;
  mode: ModeName | "all";
  version: number;
  epoch: number;
  /** When PostgreSQL was read; null before the first board. */
  as_of: string | null;
  /** True when the board is older than it should be: the workers or PostgreSQL are down. */
  stale: boolean;
  hour_start: string;
  hour_drinks: SoldItem[];
  hour_stores: StoreSales[];
  minutes: MinuteSales[];
  rate: number;
  modes: Record<ModeName, ModeFigures>;
};

/** A board is read again at least every second, so at this age no worker publishes. */
export const STALE_AFTER_MS = 5_000;

/** The dashboard for one filter. `board` is null before anything was ever published. */
export const dashboardOf = (
  board: Board | null,
  filter: ModeName | "all",
  statuses: Readonly<Record<ModeName, ModeStatus>>,
  nowMs: number,
): Dashboard => {
  const view = viewOf(board, filter);
  // a board that was not renewed is still about its own hour, which may be over
  const sameHour = board !== null && hourStart(nowMs) === board.hourStartMs;
  const hour = sameHour ? view : EMPTY_VIEW;
  const firstMinute = nowMs - (nowMs % MINUTE_MS) - (HOUR_MS - MINUTE_MS);
  return {
    current_hour: hour.hour.orders > 0 ? currentHour(hour, nowMs) : null,
    top5_drinks: view.topDrinks.slice(0, TOP_DRINKS),
    recent_orders: (board && filter === "all" ? recentIn(board) : view.recent).map((o) => ({
      id: o.id,
      drink: o.drink,
      store: o.store,
      price: priceOf(o.cents),
      timestamp: iso(o.eventTimeMs),
    })),
    server_timestamp: iso(nowMs),
    mode: filter,
    version: board?.version ?? 0,
    epoch: board?.epoch ?? 0,
    as_of: board ? iso(Math.floor(board.asOfUs / 1000)) : null,
    stale: isStale(board, nowMs),
    hour_start: iso(hourStart(nowMs)),
    hour_drinks: hour.hourDrinks.map((s) => ({ drink: s.name, ...soldOf(s) })),
    hour_stores: hour.hourStores.map((s) => ({ store: s.name, ...soldOf(s) })),
    minutes: view.minutes
      .filter(([start]) => start >= firstMinute)
      .map(([start, orders, cents]) => ({ minute: iso(start), orders, revenue: priceOf(cents) })),
    rate: rounded(view.ratePerSecond),
    modes: modeFigures(board, statuses),
  };
};

/** Only views of the board's own: every object has a "constructor". */
const viewOf = (board: Board | null, name: string): View =>
  (board && Object.hasOwn(board.views, name) ? board.views[name] : undefined) ?? EMPTY_VIEW;

export const isStale = (board: Board | null, nowMs: number): boolean =>
  board === null || nowMs - board.asOfUs / 1000 > STALE_AFTER_MS;

const currentHour = (view: View, nowMs: number) => ({
  hour: new Date(nowMs).getUTCHours(),
  top_drinks: [...view.hourDrinks]
    .sort(byOrders)
    .slice(0, TOP_DRINKS)
    .map((s) => s.name),
  revenue: priceOf(view.hour.cents),
  order_count: view.hour.orders,
});

const soldOf = (s: Sales) => ({ orders: s.orders, revenue: priceOf(s.cents) });

const modeFigures = (board: Board | null, statuses: Readonly<Record<ModeName, ModeStatus>>) => {
  const figures: Record<ModeName, ModeFigures> = {};
  for (const [mode, status] of Object.entries(statuses)) {
    const view = viewOf(board, mode);
    figures[mode] = {
      orders: view.orders,
      rate: rounded(view.ratePerSecond),
      lag: status.lagOrders,
      oldest_pending_ms: status.oldestPendingMs,
      freshness_ms: view.freshnessMs,
      health: status.health,
    };
  }
  return figures;
};

const rounded = (rate: number): number => Math.round(rate * 100) / 100;

/** Members of every frame of the protocol; shared/wire/dashboard.ts describes them. */
export type LivePosition = { seq: number; epoch: number; version: number; as_of: string | null };

export type LiveSnapshot = LivePosition & { type: "snapshot"; data: Dashboard };
export type LiveDelta = LivePosition & { type: "delta"; previous: number; data: Partial<Dashboard> };
export type LiveHeartbeat = LivePosition & { type: "heartbeat"; server_timestamp: string };

/** From the server. */
export type LiveFrame = LiveSnapshot | LiveDelta | LiveHeartbeat;

/** From the client. */
export type LiveResync = { type: "resync" };
