/** Boards for those who measure what happens to a board, whatever it says. */
import { type Board, RECENT_ORDERS, TOP_STORES, type View } from "#shared/domain/board.ts";
import { HOUR_MS, hourStart, MINUTE_MS } from "#shared/domain/time.ts";

const DRINKS = 15;
const MINUTES = 60;
const ORDERS_PER_BOARD = 5;
/** A whole number of euros: all sums of it are written without decimals. */
const LATTE_CENTS = 400;

const list = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));

/** As full as a board is; with more stores than the top ones, as where many are pinned, its frames grow. */
export const madeUpBoard = (version: number, nowMs: number, stores = TOP_STORES): Board => {
  const sales = { orders: version, cents: version * LATTE_CENTS };
  const thisMinute = nowMs - (nowMs % MINUTE_MS);
  const view: View = {
    orders: version,
    ratePerSecond: 50,
    freshnessMs: 5,
    hour: sales,
    hourDrinks: list(DRINKS, (index) => ({ name: `drink ${index}`, ...sales })),
    hourStores: list(stores, (index) => ({ name: `store ${index}`, ...sales })),
    topDrinks: list(5, (index) => `drink ${index}`),
    minutes: list(MINUTES, (index) => [
      thisMinute - HOUR_MS + (index + 1) * MINUTE_MS,
      sales.orders,
      sales.cents,
    ]),
    recent: list(RECENT_ORDERS, (index) => ({
      id: `01a1fbfe-483e-715c-85c7-${String(version * ORDERS_PER_BOARD + RECENT_ORDERS - index).padStart(12, "0")}`,
      drink: "latte",
      store: "uptown",
      cents: LATTE_CENTS,
      eventTimeMs: nowMs,
      acceptedAtMs: nowMs,
    })),
  };
  const asOfUs = nowMs * 1_000;
  return {
    epoch: 1,
    version,
    asOfUs,
    storesAsOfUs: asOfUs,
    hourStartMs: hourStart(nowMs),
    views: { all: view },
  };
};
