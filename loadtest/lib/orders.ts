/**
 * What the orders of a run hold: drink, store and price are a pure function of (seed, scenario, iteration, item), drawn
 * with the demand of a real shop. k6 sends them, Node makes them again for the audit.
 *
 * An order costs a few draws and no loop over the catalogue, since the generator's own time is what bounds a load on a
 * small machine.
 */
import {
  favouriteAt,
  menuCents,
  REGULARS,
  weightsByRank,
  weightsByStore,
} from "../../shared/domain/demand.ts";
import { cumulativeOf, firstAbove, mixed } from "../../shared/domain/random.ts";

/**
 * Who orders: anybody; regulars, each with a store and a drink; lovers, each with a drink and at any store; users of
 * the app, who order like anybody, but whose phones send the time and a decimal text for a price.
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

/** By the size of the cup: with one price a drink, revenue would say no more than counts do. */
const SIZE_CENTS = [0, 0, 40, 75] as const;
/** Of a number of 32 bits. */
const ALL = 2 ** 32;
/** A draw that is spread anew by one step: a multiplier of Steele and Vigna's for 32 bits. */
const ANOTHER_DRAW = 0x915f77f5;
const imul = Math.imul;
/** Keeps the persons' draws apart from those of scenarios, which are below 16. */
const PERSONS = 16;

export const openOrders = ({ seed, stores, drinks }: OrdersOptions): Orders => {
  if (stores.length === 0 || drinks.length === 0) throw new Error("orders need a store and a drink at least");
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
    // the size is of chance for everybody
    const size = (chance >>> 1) % SIZE_CENTS.length;
    if (customers === "anybody" || customers === "app")
      return drinkBy(chance, store) * SIZE_CENTS.length + size;
    const person = personAt(place);
    // a lover's drink is the one of the store where he began
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

/** What is of chance in an order, and in a person. */
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

/** A drink in a size, with what of an order's JSON is the same each time. */
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

/** What every probe asks for, at its store. */
export const probeBody = (drink: string, store: string): string =>
  `{"drink":${JSON.stringify(drink)},"store":${JSON.stringify(store)},"price":${(menuCents(drink) / 100).toFixed(2)}}`;
