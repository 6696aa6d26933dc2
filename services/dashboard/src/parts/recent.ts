import type { DashboardOrder } from "../../../../shared/domain/dashboard.ts";
import { byId, make, openChanges, openRows, type Row, setText, setTime, wantsMotion } from "../dom.ts";
import type { Formats } from "../format.ts";
import type { Part } from "../model.ts";

type Arrived = DashboardOrder & { readonly formats: Formats };

const ORDERS_SHOWN = 30;
const GLOW_MS = 900;
/** Before the first frame. */
const NONE: readonly DashboardOrder[] = [];

/** The latest orders, as they are counted. */
export const openRecent = (): Part => {
  const drawRows = openRows(byId("recent"), makeRow, ({ id }: Arrived) => id);
  const empty = byId("recent-empty");
  const none = empty.textContent ?? "";
  const isOther = openChanges();
  return {
    draw: ({ shown, formats }) => {
      const orders = shown?.recent_orders ?? NONE;
      if (!isOther(orders, formats)) return;
      drawRows(orders.slice(0, ORDERS_SHOWN).map((order) => ({ ...order, formats })));
      empty.hidden = orders === NONE || orders.length > 0;
      setText(empty, shown?.as_of == null ? "Not known." : none);
    },
  };
};

const makeRow = (): Row<Arrived> => {
  const [drink, price, store, time] = [
    make("span", { class: "drink" }),
    make("span", { class: "price" }),
    make("span", { class: "store" }),
    make("time"),
  ];
  const element = make("li", {}, drink, price, store, time);
  return {
    element,
    fill: ({ drink: what, price: paid, store: where, timestamp, formats }) => {
      const soldMs = Date.parse(timestamp);
      setText(drink, what);
      setText(price, formats.money(paid));
      setText(store, where);
      setTime(time, soldMs, formats.clock(soldMs), formats.utc(soldMs));
    },
    arrive: () => {
      if (!wantsMotion()) return;
      element.animate([{ backgroundColor: "var(--sunken)" }, { backgroundColor: "transparent" }], {
        duration: GLOW_MS,
        easing: "ease-out",
      });
    },
  };
};
