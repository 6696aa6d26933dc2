/** The current hour: its sales compared with the previous hour, and the latest orders. */
import type { Dashboard, DashboardOrder } from "../../../../shared/domain/dashboard.ts";
import type { Api } from "../api.ts";
import {
  byId,
  make,
  onChange,
  openChanges,
  openRows,
  type Row,
  setFigure,
  setText,
  setTime,
  wantsMotion,
} from "../dom.ts";
import type { Formats } from "../format.ts";
import { openHistoryReader } from "../history-reader.ts";
import type { Model, Part } from "../model.ts";
import type { Range } from "../sales-bars.ts";
import { knowsHour } from "../status-text.ts";

const HOUR_MS = 3_600_000;
const UNKNOWN = "–";

/** The sales of an hour that is known to have none. */
const NO_SALES = { revenue: 0, order_count: 0 };

/** The current hour and the previous one. */
const TWO_HOURS: Range = { name: "2h", title: "2 hours", bucket: "hour", buckets: 2 };

export const openHour = (api: Api, repaint: () => void): Part => {
  const [span, revenue, orders, rate, hint] = [
    byId("hour-span"),
    byId("hour-revenue"),
    byId("hour-orders"),
    byId("rate"),
    byId("hour-hint"),
  ];
  const [average, before] = [byId("hour-average"), byId("hour-before")];
  const figures = [revenue, orders, rate, average, before];
  const reader = openHistoryReader(api, repaint);
  const main = byId("main");
  const drawFigures = ({ shown, formats, status }: Model): void => {
    for (const figure of figures) figure.classList.toggle("loading", shown === null);
    main.toggleAttribute("data-waiting", shown === null);
    const hour = shown !== null && knowsHour(shown) ? { ...NO_SALES, ...shown.current_hour } : null;
    setFigure(revenue, hour === null ? UNKNOWN : formats.money(hour.revenue));
    setFigure(orders, hour === null ? UNKNOWN : formats.count(hour.order_count));
    const hasSold = hour !== null && hour.order_count > 0;
    setFigure(average, hasSold ? formats.money(hour.revenue / hour.order_count) : UNKNOWN);
    // a rate is about now: a stale one is unknown
    const isCurrent = status.phase === "live" && shown !== null && !shown.stale;
    setFigure(rate, isCurrent ? formats.perSecond(shown.rate) : UNKNOWN);
  };
  const drawBefore = ({ formats, view }: Model, startMs: number, nowMs: number): void => {
    reader.want(TWO_HOURS, view.mode, nowMs);
    const bar = reader.state().loaded?.bars.find((each) => each.startMs === startMs - HOUR_MS);
    setFigure(before, bar === undefined ? UNKNOWN : formats.money(bar.revenue));
  };
  const drawSpan = onChange((text: string) => setText(span, text));
  const drawHint = onChange((text: string) => setText(hint, text));
  return {
    draw: (model: Model) => {
      const { shown, formats, view, setup } = model;
      drawFigures(model);
      if (shown === null) return;
      const startMs = Date.parse(shown.hour_start);
      // a line may end at a hyphen, but not at these
      const utc = formats.utc(startMs).replaceAll("-", "\u2011");
      drawSpan(`${formats.minute(startMs)} to ${formats.minute(startMs + HOUR_MS)}, your time · from ${utc}`);
      drawBefore(model, startMs, Date.parse(shown.server_timestamp));
      drawHint(hintFor(shown, view.mode, setup !== null && setup.page_orders_per_second > 0));
    },
  };
};

const hintFor = (shown: Dashboard, mode: string, maySend: boolean): string => {
  const of = mode === "all" ? "All modes together." : `Only ${mode}.`;
  if (!knowsHour(shown)) return "No worker has published this hour's sales yet.";
  if (shown.current_hour !== null) return of;
  const advice = maySend ? " Send one through each mode below to see it arrive." : "";
  return `No orders yet in this hour. ${of}${advice}`;
};

type RecentOrder = DashboardOrder & { readonly formats: Formats };

const ORDERS_SHOWN = 30;
const HIGHLIGHT_MS = 900;
/** Before the first frame. */
const NONE: readonly DashboardOrder[] = [];

/** The latest counted orders. */
export const openRecent = (): Part => {
  const drawRows = openRows(byId("recent"), makeRow, ({ id }: RecentOrder) => id);
  const empty = byId("recent-empty");
  const none = empty.textContent ?? "";
  const hasChanged = openChanges();
  return {
    draw: ({ shown, formats }) => {
      const orders = shown?.recent_orders ?? NONE;
      if (!hasChanged(orders, formats)) return;
      drawRows(orders.slice(0, ORDERS_SHOWN).map((order) => ({ ...order, formats })));
      empty.hidden = orders === NONE || orders.length > 0;
      setText(empty, shown?.as_of == null ? "Unknown." : none);
    },
  };
};

const makeRow = (): Row<RecentOrder> => {
  const [drink, price, store, time] = [
    make("span", { class: "drink" }),
    make("span", { class: "price" }),
    make("span", { class: "store" }),
    make("time"),
  ];
  const element = make("li", {}, drink, price, store, time);
  return {
    element,
    fill: ({ formats, ...order }) => {
      const soldMs = Date.parse(order.timestamp);
      setText(drink, order.drink);
      setText(price, formats.money(order.price));
      setText(store, order.store);
      setTime(time, soldMs, formats.clock(soldMs), formats.utc(soldMs));
    },
    arrive: () => {
      if (!wantsMotion()) return;
      element.animate([{ backgroundColor: "var(--sunken)" }, { backgroundColor: "transparent" }], {
        duration: HIGHLIGHT_MS,
        easing: "ease-out",
      });
    },
  };
};
