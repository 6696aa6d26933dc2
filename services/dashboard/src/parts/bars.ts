/** A chart of sales in bars, with what it says in words, what is pointed at, and the table behind it. */
import { openBarChart } from "../chart.ts";
import { byId, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import type { Bar } from "../minutes.ts";
import { barsSummary, type Measure, measured } from "../summary.ts";
import { openTable } from "./table.ts";

export type BarsOptions = {
  /** Of the elements, as `minutes` for `minutes-plot`. */
  readonly id: string;
  readonly height: number;
  readonly formats: () => Formats;
  /** When a bar was, on the axis and in the table. */
  readonly named: (startMs: number) => string;
  readonly isUtc: () => boolean;
};

export type Bars = {
  /** `of` names what is drawn: other bars of the same are the same chart, later. */
  draw(bars: readonly Bar[], measure: Measure, of: string): void;
  /** Nothing is known for now. */
  clear(): void;
  recolour(): void;
};

const HEAD = ["From", "UTC", "Orders", "Revenue"];

export const openBars = ({ id, height, formats, named, isUtc }: BarsOptions): Bars => {
  const [readout, summary] = [byId(`${id}-readout`), byId(`${id}-summary`)];
  const table = openTable(byId(`${id}-details`));
  const tell = (bar: Bar | null): void =>
    setText(readout, bar === null ? "" : barText(bar, named, formats()));
  const plot = byId(`${id}-plot`);
  const chart = openBarChart(plot, { height, formats, named, isUtc, tell });
  return {
    draw: (bars, measure, of) => {
      plot.removeAttribute("data-waiting");
      plot.toggleAttribute("data-empty", isEmpty(bars));
      chart.draw(bars, measure);
      setText(summary, barsSummary(bars, measure, formats(), named));
      const atMs = Date.now();
      table.offer(of, () => ({
        of,
        caption: `As of ${formats().clock(atMs)}`,
        head: HEAD,
        rows: bars.toReversed().map((bar) => ({
          key: String(bar.startMs),
          cells: [named(bar.startMs), formats().utc(bar.startMs), ...figuresOf(bar, formats())],
        })),
      }));
    },
    clear: () => {
      plot.setAttribute("data-waiting", "");
      plot.removeAttribute("data-empty");
      chart.draw([], "orders");
      setText(summary, "Waiting for figures.");
      setText(readout, "");
      table.offer("", () => ({ of: "", caption: "Waiting for figures.", head: HEAD, rows: [] }));
    },
    recolour: chart.recolour,
  };
};

/** Known to be: an axis of nothing is no picture. */
const isEmpty = (bars: readonly Bar[]): boolean =>
  bars.every(({ isKnown, orders }) => isKnown && orders === 0);

const figuresOf = ({ isKnown, orders, revenue }: Bar, formats: Formats): string[] =>
  isKnown ? [formats.count(orders), formats.money(revenue)] : ["–", "–"];

const barText = (bar: Bar, named: (startMs: number) => string, formats: Formats): string => {
  if (!bar.isKnown) return `${named(bar.startMs)}: not known (${formats.utc(bar.startMs)})`;
  const soFar = bar.isRunning ? ", so far" : "";
  const orders = measured(bar.orders, "orders", formats);
  return `${named(bar.startMs)}: ${orders}, ${formats.money(bar.revenue)}${soFar} (${formats.utc(bar.startMs)})`;
};
