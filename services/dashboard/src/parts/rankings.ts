/** Rankings: drinks and stores of the hour, and drinks of 30 days. */
import { byId, make, openChanges, openRows, type Row, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import type { Model, Part } from "../model.ts";
import { knowsHour } from "../status-text.ts";

type Sold = { readonly name: string; readonly orders: number; readonly revenue: number };
type Ranked = Sold & { readonly share: number; readonly formats: Formats };

const NONE = "None yet.";
const UNKNOWN = "Unknown.";

/** As many drinks as the server ranks. */
const DRINKS = 5;
const STORES_CLOSED = 8;
/** The server sends at most this many stores. */
const STORES_SENT = 50;

const makeRow = (): Row<Ranked> => {
  const [name, orders, revenue, fill] = [make("span"), make("span"), make("span"), make("span")];
  name.className = "name";
  orders.className = "orders";
  revenue.className = "revenue";
  const element = make("li", {}, name, orders, revenue, make("span", { class: "bar" }, fill));
  return {
    element,
    fill: ({ name: called, orders: count, revenue: sum, share, formats }) => {
      setText(name, called);
      name.title = called;
      setText(orders, `${formats.count(count)} ${count === 1 ? "order" : "orders"}`);
      setText(revenue, formats.money(sum));
      fill.style.setProperty("--share", `${(share * 100).toFixed(1)}%`);
    },
  };
};

const byOrders = (a: Sold, b: Sold): number => b.orders - a.orders || (a.name < b.name ? -1 : 1);

const ranked = (sold: readonly Sold[], most: number, formats: Formats): Ranked[] => {
  const first = [...sold].sort(byOrders).slice(0, most);
  const top = first[0]?.orders ?? 0;
  return first.map((each) => ({ ...each, share: top === 0 ? 0 : each.orders / top, formats }));
};

/** Best-selling drinks of the hour and of 30 days. */
export const openDrinks = (): Part => {
  const drawHour = openRows(byId("drinks"), makeRow, ({ name }: Ranked) => name);
  const drawMonth = openRows(
    byId("month-drinks"),
    () => {
      const [place, name] = [make("span", { class: "place" }), make("span")];
      return {
        element: make("li", {}, place, name),
        fill: (drink: string, index: number) => {
          setText(place, String(index + 1));
          setText(name, drink);
        },
      };
    },
    (drink) => drink,
  );
  const [noneInHour, noneInMonth] = [byId("drinks-empty"), byId("month-empty")];
  const hasChanged = openChanges();
  return {
    // while a mode's first figures are loading, those of the previous choice are cleared
    draw: ({ shown, formats }) => {
      const isKnown = shown !== null && knowsHour(shown);
      if (!hasChanged(shown?.hour_drinks, shown?.top5_drinks, shown?.as_of == null, isKnown, formats)) return;
      const { hour_drinks = [], top5_drinks = [] } = shown ?? {};
      const drinks = hour_drinks.map(({ drink, ...sold }) => ({ name: drink, ...sold }));
      drawHour(ranked(drinks, DRINKS, formats));
      drawMonth(top5_drinks);
      noneInHour.hidden = shown === null || hour_drinks.length > 0;
      noneInMonth.hidden = shown === null || top5_drinks.length > 0;
      setText(noneInHour, isKnown ? NONE : UNKNOWN);
      setText(noneInMonth, shown?.as_of == null ? UNKNOWN : NONE);
    },
  };
};

/** Stores of the hour: the first few, or all that the server sends. */
export const openStores = (): Part => {
  const [list, more, foot] = [byId("stores"), byId<HTMLButtonElement>("stores-more"), byId("stores-foot")];
  const empty = byId("stores-empty");
  const drawRows = openRows(list, makeRow, ({ name }: Ranked) => name);
  const hasChanged = openChanges();
  let isOpen = false;
  let latest: Model | null = null;
  const draw = (model: Model): void => {
    latest = model;
    const { shown, formats, setup } = model;
    const isKnown = shown !== null && knowsHour(shown);
    if (!hasChanged(shown?.hour_stores, isKnown, isOpen, setup, formats)) return;
    const stores = (shown?.hour_stores ?? []).map(({ store, ...sold }) => ({ name: store, ...sold }));
    drawRows(ranked(stores, isOpen ? stores.length : STORES_CLOSED, formats));
    empty.hidden = shown === null || stores.length > 0;
    setText(empty, isKnown ? NONE : UNKNOWN);
    more.hidden = stores.length <= STORES_CLOSED;
    more.ariaExpanded = String(isOpen);
    setText(more, isOpen ? "Show fewer" : `Show ${stores.length}`);
    setText(foot, footFor(stores.length, setup?.stores.count ?? null, formats));
  };
  more.addEventListener("click", () => {
    isOpen = !isOpen;
    if (latest !== null) draw(latest);
  });
  return { draw };
};

const footFor = (sent: number, inCatalogue: number | null, formats: Formats): string => {
  if (sent < STORES_SENT || inCatalogue === null) return "";
  return `${formats.count(sent)} of ${formats.count(inCatalogue)} stores: those with the most orders, and pinned ones.`;
};
