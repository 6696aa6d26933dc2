/**
 * A model of the customers of a real shop. Pure and seeded: the demo and the load profiles of k6 draw from here.
 *
 * The figures are counts of the data set "Transactions from a bakery": 21 293 items in 9 531 sales of The Bread
 * Basket, Edinburgh, 2016-10-30 to 2017-04-09, by the shop's local time.
 */
import type { Catalogue } from "./catalogue.ts";
import type { OrderRequest } from "./order.ts";
import { cumulativeOf, type Random, randomFrom, seedOf } from "./random.ts";
import { DAY_MS, HOUR_MS, iso } from "./time.ts";

/** Percent of items by the hour in which they were sold; hours that are missing sold nothing worth a digit. */
export const PERCENT_BY_HOUR: Readonly<Record<number, number>> = {
  7: 0.1,
  8: 3.1,
  9: 9.6,
  10: 13.0,
  11: 15.1,
  12: 14.2,
  13: 13.0,
  14: 12.8,
  15: 10.1,
  16: 6.4,
  17: 1.7,
  18: 0.4,
  19: 0.2,
  20: 0.1,
};

/** Percent of items by weekday, Sunday first as JavaScript counts. */
const PERCENT_BY_WEEKDAY: readonly number[] = [15.2, 11.2, 11.6, 11.4, 12.8, 15.2, 22.6];

export const ITEMS_PER_SALE = 2.23;

/** Items sold of the ten best sellers (coffee, bread, tea, …): how much a favourite leads the next. */
const ITEMS_BY_RANK: readonly number[] = [5471, 3325, 1435, 1025, 856, 771, 616, 590, 540, 379];

const OPEN_HOURS = Object.keys(PERCENT_BY_HOUR).length;
const MEAN_PERCENT = Object.values(PERCENT_BY_HOUR).reduce((sum, percent) => sum + percent, 0) / OPEN_HOURS;

/**
 * How busy a shop is at this moment of the week, UTC, where 1 is the mean of its open hours: 0 at night, 3.3 at
 * Saturday's noon. Between the middles of two hours it follows half a cosine, which keeps each day's total.
 */
export const demandAt = (ms: number): number => {
  const hours = (ms % DAY_MS) / HOUR_MS - 0.5;
  const hour = Math.floor(hours);
  const [before, after] = [percentAt(hour), percentAt(hour + 1)];
  const turn = (1 - Math.cos((hours - hour) * Math.PI)) / 2;
  const ofDay = (before + (after - before) * turn) / MEAN_PERCENT;
  return ofDay * (PERCENT_BY_WEEKDAY[new Date(ms).getUTCDay()] ?? 0) * (7 / 100);
};

const percentAt = (hour: number): number => PERCENT_BY_HOUR[(hour + 24) % 24] ?? 0;

/** Relative weights of `count` drinks from the best seller down; beyond the tenth they fall as 1/rank. */
export const weightsByRank = (count: number): number[] =>
  Array.from(
    { length: count },
    (_, rank) => ITEMS_BY_RANK[rank] ?? ((ITEMS_BY_RANK.at(-1) ?? 1) * 10) / (rank + 1),
  );

/** Relative weights of `count` stores, the busiest first. */
export const weightsByStore = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => 1 / (index + 3));

/** A Map: a catalogue may name a drink "constructor", which every plain object has. */
const MENU_CENTS: ReadonlyMap<string, number> = new Map([
  ["espresso", 275],
  ["americano", 350],
  ["flat white", 400],
  ["cappuccino", 425],
  ["latte", 450],
  ["mocha", 475],
  ["tea", 300],
  ["hot chocolate", 395],
]);

/** A drink's price in cents, the same everywhere: the menu's, or for any other name one of 2.50, 2.75, … 5.50. */
export const menuCents = (drink: string): number =>
  MENU_CENTS.get(drink.toLowerCase()) ?? 250 + (seedOf(drink) % 13) * 25;

/** The share of all sales by kind of customer; the share of the rush is that at its peak, and 0 after 11:00. */
export const CUSTOMER_SHARES = { group: 0.3, regular: 0.25, rush: 0.2, lover: 0.1, app: 0.15 } as const;
export type CustomerKind = keyof typeof CUSTOMER_SHARES;
const KINDS = Object.keys(CUSTOMER_SHARES) as CustomerKind[];
const RUSH_HOURS_UTC = { from: 6, to: 11 };

/** All other kinds buy one item, so a group buys this many to make the shop's mean the measured one. */
const ITEMS_PER_GROUP = (ITEMS_PER_SALE - (1 - CUSTOMER_SHARES.group)) / CUSTOMER_SHARES.group;
/** One group in a thousand would be larger; a sale is bounded. */
const MAX_ITEMS = 24;
/** Few enough that the same customers return within a demo of one evening. */
export const REGULARS = 200;

type Person = { readonly store: string; readonly drink: string };

/**
 * The kinds of customers: regulars at one store with a favourite drink, lovers of one drink who roam the stores, the morning
 * rush, app users (whose phones send the time and a decimal text), groups. Half of all drinks follow the taste of
 * the city, half that of the store, whose order of favourites is its own.
 */
export const openCustomers = (
  seed: number,
  catalogue: Catalogue,
): { nextSale(nowMs: number): OrderRequest[] } => {
  const random = randomFrom(seed);
  const { stores, drinks } = catalogue;
  const byRank = cumulativeOf(weightsByRank(drinks.length));
  const byStore = cumulativeOf(weightsByStore(stores.length));
  const anyStore = (): string => stores[random.weighted(byStore)] ?? "";
  const anyDrink = (store: string): string => {
    const shift = random.next() < 0.5 ? 0 : favouriteAt(store, drinks.length);
    return drinks[(random.weighted(byRank) + shift) % drinks.length] ?? "";
  };
  const newPerson = (): Person => {
    const store = anyStore();
    return { store, drink: anyDrink(store) };
  };
  const regulars = Array.from({ length: REGULARS }, newPerson);

  const nextSale = (nowMs: number): OrderRequest[] => {
    const kind = kindAt(nowMs, random);
    if (kind === "regular") return [orderOf(random.pick(regulars))];
    if (kind === "lover") return [orderOf({ store: anyStore(), drink: random.pick(regulars).drink })];
    if (kind === "app") return [appOrderOf(newPerson(), nowMs)];
    if (kind === "rush") return [orderOf(newPerson())];
    const store = anyStore();
    return Array.from({ length: groupSize(random) }, () => orderOf({ store, drink: anyDrink(store) }));
  };
  return { nextSale };
};

/** The index of the drink that leads at a store. */
export const favouriteAt = (store: string, drinkCount: number): number => seedOf(store) % drinkCount;

/** Outside its hours the rush's share goes to the other single buyers alike, so groups keep theirs. */
const kindAt = (nowMs: number, random: Random): CustomerKind => {
  const hour = new Date(nowMs).getUTCHours();
  const isRush = hour >= RUSH_HOURS_UTC.from && hour < RUSH_HOURS_UTC.to;
  let left = random.next();
  for (const kind of KINDS) {
    left -= CUSTOMER_SHARES[kind];
    if (left < 0) return kind === "rush" && !isRush ? random.pick(["regular", "lover", "app"]) : kind;
  }
  return "app";
};

/** Two and more, each further one as likely as the last. */
const groupSize = (random: Random): number => {
  const furtherMean = ITEMS_PER_GROUP - 2;
  const isMore = furtherMean / (1 + furtherMean);
  let size = 2;
  while (size < MAX_ITEMS && random.next() < isMore) size++;
  return size;
};

const orderOf = ({ store, drink }: Person): OrderRequest => ({ drink, store, price: menuCents(drink) / 100 });

const appOrderOf = ({ store, drink }: Person, nowMs: number): OrderRequest => ({
  drink,
  store,
  price: (menuCents(drink) / 100).toFixed(2),
  timestamp: iso(nowMs),
});
