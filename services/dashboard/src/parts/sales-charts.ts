/** The charts of sales: the last hour by minute, and the history by range from GET /api/sales. */
import { type Api, messageOf } from "../api.ts";
import { openBarChart } from "../chart.ts";
import { byId, make, onChoice, openChanges, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { type HistoryState, openHistoryReader } from "../history-reader.ts";
import type { Part } from "../model.ts";
import {
  type Bar,
  barsSummary,
  lastHour,
  type Measure,
  measured,
  RANGES,
  rangeNamed,
} from "../sales-bars.ts";
import { openTable } from "./table.ts";

const MINUTES_HEIGHT = 224;
const HISTORY_HEIGHT = 260;
const HOURS_OF_A_DAY = 24;

/** Orders or revenue of each minute of the last hour. */
export const openMinutes = (formats: () => Formats, choose: (measure: Measure) => void): Part => {
  const hasChanged = openChanges();
  const bars = openSalesChart({
    id: "minutes",
    height: MINUTES_HEIGHT,
    formats,
    named: (startMs) => formats().minute(startMs),
    isUtc: () => false,
  });
  const group = byId("measure");
  onChoice(group, (measure) => choose(measure === "revenue" ? "revenue" : "orders"));
  return {
    draw: ({ shown, view }) => {
      for (const input of group.querySelectorAll("input")) input.checked = input.value === view.measure;
      // the bars depend on the minutes and the time alone, not on the rest of the board
      const minute = shown?.server_timestamp.slice(0, 16);
      if (!hasChanged(shown?.minutes, minute, shown?.stale && shown.as_of, view.measure, formats())) return;
      if (shown === null) bars.clear();
      else bars.draw(lastHour(shown), view.measure, view.mode);
    },
    recolour: bars.recolour,
  };
};

/** Sales of hours, days and a year. */
export const openHistory = (
  api: Api,
  formats: () => Formats,
  repaint: () => void,
  choose: (range: string) => void,
): Part => {
  const group = byId("range");
  const reader = openHistoryReader(api, repaint);
  const hasChanged = openChanges();

  const named = (startMs: number): string => {
    const { bucket, buckets } = reader.state().loaded?.range ?? RANGES[0];
    if (bucket === "day") return formats().utcDay(startMs);
    if (bucket === "hour" && buckets > HOURS_OF_A_DAY) return formats().dayAndMinute(startMs);
    return formats().minute(startMs);
  };
  const isUtc = (): boolean => reader.state().loaded?.range.bucket === "day";
  const bars = openSalesChart({ id: "history", height: HISTORY_HEIGHT, formats, named, isUtc });
  for (const { name, title } of RANGES) group.append(rangeOption(name, title));
  onChoice(group, choose);
  byId("history-retry").addEventListener("click", reader.retry);
  const drawState = openHistoryState(api);

  return {
    draw: ({ view, all }) => {
      for (const input of group.querySelectorAll("input")) input.checked = input.value === view.range;
      const nowMs = all === null ? Date.now() : Date.parse(all.server_timestamp);
      reader.want(rangeNamed(view.range) ?? RANGES[0], view.mode, nowMs);
      const { loaded } = reader.state();
      if (hasChanged(loaded, view.measure, formats())) {
        if (loaded === null) bars.clear();
        else bars.draw(loaded.bars, view.measure, `${loaded.range.name} ${loaded.mode}`);
      }
      drawState(reader.state(), formats());
    },
    recolour: bars.recolour,
  };
};

const rangeOption = (name: string, title: string): HTMLElement =>
  make("label", {}, make("input", { type: "radio", name: "range", value: name }), make("span", {}, title));

/** The texts next to the chart: loading, the error, and the link to the CSV file. */
const openHistoryState = (api: Api): ((state: HistoryState, formats: Formats) => void) => {
  const [problem, problemText, summary] = [
    byId("history-problem"),
    byId("history-problem-text"),
    byId("history-summary"),
  ];
  const csv = byId<HTMLAnchorElement>("history-csv");
  if (api.token !== null)
    csv.addEventListener("click", (event) => {
      event.preventDefault();
      void saveCsv(api, csv.href).catch((error: unknown) => setText(summary, messageOf(error)));
    });
  return ({ loaded, problem: why, isLoading, path }, formats) => {
    problem.hidden = why === null;
    if (why !== null) {
      const shown = loaded === null ? "" : ` The chart is from ${formats.clock(loaded.readMs)}.`;
      setText(problemText, isLoading ? "Retrying …" : `The history cannot be read: ${why}${shown}`);
    }
    if (loaded === null) setText(summary, isLoading ? "Loading." : "Nothing to show.");
    if (path !== "") csv.href = new URL(`${path}&format=csv&bom=true`, api.url).href;
  };
};

/** A link sends no token, so the file is fetched first. */
const saveCsv = async (api: Api, href: string): Promise<void> => {
  const url = URL.createObjectURL(await api.file(href));
  make("a", { href: url, download: "sales.csv" }).click();
  URL.revokeObjectURL(url);
};

type SalesChartOptions = {
  /** The prefix of the elements' ids: `minutes` for `minutes-plot`. */
  readonly id: string;
  readonly height: number;
  readonly formats: () => Formats;
  /** Formats a bar's time, on the axis and in the table. */
  readonly named: (startMs: number) => string;
  readonly isUtc: () => boolean;
};

type SalesChart = {
  /** `of` names the data: bars with the same name update the same table. */
  draw(bars: readonly Bar[], measure: Measure, of: string): void;
  /** Shows that nothing is known yet. */
  clear(): void;
  recolour(): void;
};

const HEAD = ["From", "UTC", "Orders", "Revenue"];
const WAITING = "Waiting for figures.";

/** A bar chart with a summary, the bar under the pointer in words, and a table. */
const openSalesChart = ({ id, height, formats, named, isUtc }: SalesChartOptions): SalesChart => {
  const [readout, summary] = [byId(`${id}-readout`), byId(`${id}-summary`)];
  const table = openTable(byId(`${id}-details`));
  const onPoint = (bar: Bar | null): void =>
    setText(readout, bar === null ? "" : barText(bar, named, formats()));
  const plot = byId(`${id}-plot`);
  const chart = openBarChart(plot, { height, formats, named, isUtc, onPoint });
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
      setText(summary, WAITING);
      setText(readout, "");
      table.offer("", () => ({ of: "", caption: WAITING, head: HEAD, rows: [] }));
    },
    recolour: chart.recolour,
  };
};

/** Known to be empty: the chart is replaced by a sentence. */
const isEmpty = (bars: readonly Bar[]): boolean =>
  bars.every(({ isKnown, orders }) => isKnown && orders === 0);

const figuresOf = ({ isKnown, orders, revenue }: Bar, formats: Formats): string[] =>
  isKnown ? [formats.count(orders), formats.money(revenue)] : ["–", "–"];

const barText = (bar: Bar, named: (startMs: number) => string, formats: Formats): string => {
  if (!bar.isKnown) return `${named(bar.startMs)}: unknown (${formats.utc(bar.startMs)})`;
  const soFar = bar.isRunning ? ", so far" : "";
  const orders = measured(bar.orders, "orders", formats);
  return `${named(bar.startMs)}: ${orders}, ${formats.money(bar.revenue)}${soFar} (${formats.utc(bar.startMs)})`;
};
