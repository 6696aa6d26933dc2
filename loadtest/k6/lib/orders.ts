/**
 * The orders of a run: drink, store and price are a pure function of (seed, scenario, iteration, item), drawn with the
 * demand of a real shop. Generators send them, and the audit computes them again.
 *
 * An order costs a few draws and no loop over the catalogue, since the generator's own time bounds the load of a small
 * machine.
 */
import {
  favouriteAt,
  menuCents,
  REGULARS,
  weightsByRank,
  weightsByStore,
} from "../../../shared/domain/demand.ts";
import { cumulativeOf, firstAbove, mixed } from "../../../shared/domain/random.ts";
import { SCENARIO_NUMBERS } from "../profiles/profile.ts";
import { idsOf } from "./ids.ts";
import type { Planned } from "./plan.ts";
import type { Settings } from "./settings.ts";

/**
 * Kinds of customers: `anybody`; `regulars`, each with one store and one drink; `lovers`, each with one drink at any store;
 * `app`, who order like `anybody` and send a timestamp and the price as a decimal string.
 */
export type Customers = "anybody" | "regulars" | "lovers" | "app";

export type OrderContent = { readonly drink: string; readonly store: string; readonly priceCents: number };

export type Orders = {
  contentOf(customers: Customers, scenario: number, iteration: number, item: number): OrderContent;
  /** The JSON of a single order. */
  textOf(customers: Customers, scenario: number, iteration: number, item: number, nowMs: number): string;
  /** The JSON of one of a batch, with its id. */
  textWithId(
    customers: Customers,
    scenario: number,
    iteration: number,
    item: number,
    nowMs: number,
    id: string,
  ): string;
};

export type OrdersOptions = {
  readonly seed: number;
  /** Without the probes' own. */
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
};

/** By the size of the cup: with one price a drink, revenue would only repeat the counts. */
const SIZE_CENTS = [0, 0, 40, 75] as const;
/** Of a number of 32 bits. */
const ALL = 2 ** 32;
/** Spreads a draw by one step: a multiplier of Steele and Vigna's for 32 bits. */
const ANOTHER_DRAW = 0x915f77f5;
const imul = Math.imul;
/** Another stream of draws than those of the scenarios, which are below 16. */
const PERSONS = 16;

export const openOrders = ({ seed, stores, drinks }: OrdersOptions): Orders => {
  if (stores.length === 0 || drinks.length === 0)
    throw new Error(
      "the catalogue needs at least one store for orders (not only PROBE_STORES) and one drink",
    );
  const byStore = cumulativeOf(weightsByStore(stores.length));
  const byRank = cumulativeOf(weightsByRank(drinks.length));
  const storeStep = (byStore.at(-1) ?? 0) / ALL;
  const rankStep = (byRank.at(-1) ?? 0) / ALL;
  const kinds = kindsOf(drinks);
  const favourites: number[] = [];
  const storeTexts: string[] = [];
  const { placeOf, personAt } = openDraws(seed);

  const storeBy = (chance: number): number => firstAbove(byStore, chance * storeStep);
  /** Half of all drinks follow the taste of the city, half that of the store. */
  const drinkBy = (chance: number, store: number): number => {
    const rank = firstAbove(byRank, chance * rankStep);
    if ((chance & 1) === 0) return rank;
    favourites[store] ??= favouriteAt(stores[store] ?? "", drinks.length);
    return (rank + (favourites[store] ?? 0)) % drinks.length;
  };
  const storeOf = (customers: Customers, place: number): number =>
    storeBy(customers === "regulars" ? personAt(place) : place);
  const kindOf = (customers: Customers, place: number, store: number): number => {
    const chance = imul(place, ANOTHER_DRAW) >>> 0;
    // the size is random for every kind of customer
    const size = (chance >>> 1) % SIZE_CENTS.length;
    if (customers === "anybody" || customers === "app")
      return drinkBy(chance, store) * SIZE_CENTS.length + size;
    const person = personAt(place);
    // a lover's drink is that of a home store
    const home = customers === "regulars" ? store : storeBy(person);
    return drinkBy(mixed(person, 0), home) * SIZE_CENTS.length + size;
  };

  const members = (
    customers: Customers,
    scenario: number,
    iteration: number,
    item: number,
    nowMs: number,
  ): string => {
    const place = placeOf(scenario, iteration, item);
    const store = storeOf(customers, place);
    const kind = kinds[kindOf(customers, place, store)];
    storeTexts[store] ??= `,"store":${JSON.stringify(stores[store])}`;
    if (customers !== "app") return `${kind?.text}${storeTexts[store]}`;
    return `${kind?.appText}${storeTexts[store]},"timestamp":"${new Date(nowMs).toISOString()}"`;
  };

  return {
    contentOf: (customers, scenario, iteration, item) => {
      const place = placeOf(scenario, iteration, item);
      const store = storeOf(customers, place);
      const { drink = "", priceCents = 0 } = kinds[kindOf(customers, place, store)] ?? {};
      return { drink, store: stores[store] ?? "", priceCents };
    },
    textOf: (customers, scenario, iteration, item, nowMs) =>
      `{${members(customers, scenario, iteration, item, nowMs)}}`,
    textWithId: (customers, scenario, iteration, item, nowMs, id) =>
      `{"id":"${id}",${members(customers, scenario, iteration, item, nowMs)}}`,
  };
};

/** The random part of an order and of a person. */
const openDraws = (seed: number) => {
  const states: number[] = [];
  const stateOf = (scenario: number): number => {
    states[scenario] ??= mixed(mixed(seed | 0, Math.floor(seed / ALL)), scenario);
    return states[scenario] ?? 0;
  };
  // the orders of a request follow each other
  let lastScenario = -1;
  let lastIteration = -1;
  let request = 0;
  const placeOf = (scenario: number, iteration: number, item: number): number => {
    if (iteration !== lastIteration || scenario !== lastScenario) {
      request = mixed(stateOf(scenario), iteration);
      lastScenario = scenario;
      lastIteration = iteration;
    }
    return mixed(request, item);
  };
  const personAt = (place: number): number => mixed(stateOf(PERSONS), place % REGULARS);
  return { placeOf, personAt };
};

/** A drink in a size, with the part of an order's JSON that is always the same. */
type Kind = {
  readonly drink: string;
  readonly priceCents: number;
  readonly text: string;
  readonly appText: string;
};

const kindsOf = (drinks: readonly string[]): Kind[] =>
  drinks.flatMap((drink) =>
    SIZE_CENTS.map((extraCents) => {
      const priceCents = menuCents(drink) + extraCents;
      const price = (priceCents / 100).toFixed(2);
      const named = `"drink":${JSON.stringify(drink)},"price":`;
      return { drink, priceCents, text: `${named}${price}`, appText: `${named}"${price}"` };
    }),
  );

/** The body of a probe's order. */
export const probeBody = (drink: string, store: string): string =>
  `{"drink":${JSON.stringify(drink)},"store":${JSON.stringify(store)},"price":${(menuCents(drink) / 100).toFixed(2)}}`;

/** What the audit reads from a run's summary and catalogue. */
export type ContentsOf = {
  readonly seed: number;
  /** The catalogue's; those of the probes may be among them. */
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly probeStores: readonly string[];
  readonly scenario: { readonly number: number; readonly customers: string };
};

/** The content of each order of a scenario, by its iteration and its position in the request. */
export const contentsOf = ({
  seed,
  stores,
  drinks,
  probeStores,
  scenario: { number, customers },
}: ContentsOf): ((iteration: number, item: number) => OrderContent) => {
  if (number === SCENARIO_NUMBERS.probe) {
    const drink = drinks[0] ?? "";
    const priceCents = menuCents(drink);
    return (iteration) => ({ drink, store: probeStores[iteration % probeStores.length] ?? "", priceCents });
  }
  const orders = openOrders({ seed, drinks, stores: stores.filter((store) => !probeStores.includes(store)) });
  return (iteration, item) => orders.contentOf(customers as Customers, number, iteration, item);
};

export type OrderRequest = {
  /** From the server's root. */
  readonly path: string;
  readonly body: string;
  /** The order's id; null for a batch, whose orders have their ids in the body. */
  readonly key: string | null;
};

/** The request of an arrival. `nowMs` is the timestamp that customers of the app send. */
export type RequestOf = (planned: Planned, iteration: number, nowMs: number) => OrderRequest;

export const openOrderRequests = (
  { mode, run, runStartMs, ordersPerRequest }: Settings,
  orders: Orders,
): RequestOf => {
  const isBatch = ordersPerRequest > 1;
  const path = `/api/${mode}/${isBatch ? "orders" : "order"}`;
  /** By scenario. */
  const ids: ReturnType<typeof idsOf>[] = [];
  return ({ number, customers }, iteration, nowMs) => {
    const idOf = ids[number] ?? idsOf(run, number, runStartMs);
    ids[number] = idOf;
    if (!isBatch) {
      const body = orders.textOf(customers, number, iteration, 0, nowMs);
      return { path, body, key: idOf(iteration, 0) };
    }
    const texts: string[] = [];
    for (let item = 0; item < ordersPerRequest; item++)
      texts.push(orders.textWithId(customers, number, iteration, item, nowMs, idOf(iteration, item)));
    return { path, body: `[${texts.join(",")}]`, key: null };
  };
};
