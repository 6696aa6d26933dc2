import type { Dashboard } from "../../../../shared/domain/dashboard.ts";
import type { Api } from "../api.ts";
import { byId, onChange, setText } from "../dom.ts";
import type { Range } from "../history.ts";
import { knowsHour } from "../honesty.ts";
import type { Model, Part } from "../model.ts";
import { openPast } from "../past.ts";

const HOUR_MS = 3_600_000;
const UNKNOWN = "–";

/** Of an hour that has sold nothing yet, as far as the server knows. */
const NOTHING = { revenue: 0, order_count: 0 };

/** The present hour and the one before. */
const TWO_HOURS: Range = { name: "2h", title: "2 hours", bucket: "hour", buckets: 2 };

/** What the present hour has sold, beside the one before. */
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
  const past = openPast(api, repaint);
  const main = byId("main");
  const drawFigures = ({ shown, formats, status }: Model): void => {
    for (const figure of figures) figure.classList.toggle("loading", shown === null);
    main.toggleAttribute("data-waiting", shown === null);
    const hour = shown !== null && knowsHour(shown) ? { ...NOTHING, ...shown.current_hour } : null;
    setText(revenue, hour === null ? UNKNOWN : formats.money(hour.revenue));
    setText(orders, hour === null ? UNKNOWN : formats.count(hour.order_count));
    const hasSold = hour !== null && hour.order_count > 0;
    setText(average, hasSold ? formats.money(hour.revenue / hour.order_count) : UNKNOWN);
    // a rate is of now: one that nobody renews is none
    const isOfNow = status.phase === "live" && shown !== null && !shown.stale;
    setText(rate, isOfNow ? formats.perSecond(shown.rate) : UNKNOWN);
  };
  const drawBefore = ({ formats, view }: Model, startMs: number, nowMs: number): void => {
    past.want(TWO_HOURS, view.mode, nowMs);
    const bar = past.state().loaded?.bars.find((each) => each.startMs === startMs - HOUR_MS);
    setText(before, bar === undefined ? UNKNOWN : formats.money(bar.revenue));
  };
  const drawSpan = onChange((key: string) => setText(span, key));
  const drawHint = onChange((text: string) => setText(hint, text));
  return {
    draw: (model: Model) => {
      const { shown, formats, view, setup } = model;
      drawFigures(model);
      if (shown === null) return;
      const startMs = Date.parse(shown.hour_start);
      drawSpan(
        `${formats.minute(startMs)} to ${formats.minute(startMs + HOUR_MS)}, your time · from ${formats.utc(startMs)}`,
      );
      drawBefore(model, startMs, Date.parse(shown.server_timestamp));
      drawHint(hintFor(shown, view.mode, setup !== null && setup.page_orders_per_second > 0));
    },
  };
};

const hintFor = (shown: Dashboard, mode: string, hasTests: boolean): string => {
  const of = mode === "all" ? "By all modes together." : `By ${mode} alone.`;
  if (!knowsHour(shown)) return "Nobody has published this hour's sales yet.";
  if (shown.current_hour !== null) return of;
  const first = hasTests ? " Send one by each mode below, and watch it arrive." : "";
  return `No orders yet in this hour. ${of}${first}`;
};
