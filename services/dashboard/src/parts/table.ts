/** The table behind a chart. */
import { make, openRows, type Row, setText } from "../dom.ts";

export type TableData = {
  /** Names the data: a table of other data is drawn at once. */
  readonly of: string;
  readonly caption: string;
  readonly head: readonly string[];
  /** Rows with the same key are updated in place. */
  readonly rows: readonly TableRow[];
};
type TableRow = { readonly key: string; readonly cells: readonly string[] };

/** Slower than the chart, so that the table can be read. */
const REFRESH_EVERY_MS = 5_000;

/**
 * Fills the table only while it is open. It does not change while it has the focus or a selection: a screen reader would
 * lose its position.
 */
export const openTable = (details: HTMLElement): { offer(of: string, data: () => TableData): void } => {
  const place = details.querySelector(".scroll") ?? details;
  let latest: (() => TableData) | null = null;
  let hasNewData = false;
  let fillTable: ((data: TableData) => void) | null = null;
  let filledWith = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isOpen = (): boolean => details instanceof HTMLDetailsElement && details.open;
  const fill = (): void => {
    if (latest === null) return;
    const data = latest();
    if (fillTable === null || filledWith !== data.of) fillTable = openCells(place, data.head);
    [hasNewData, filledWith] = [false, data.of];
    fillTable(data);
  };
  const refresh = (): void => {
    timer = undefined;
    if (!isOpen()) return;
    if (hasNewData && !isBeingRead(place)) fill();
    timer = setTimeout(refresh, REFRESH_EVERY_MS);
  };
  details.addEventListener("toggle", () => {
    if (!isOpen()) return;
    fill();
    if (timer === undefined) timer = setTimeout(refresh, REFRESH_EVERY_MS);
  });
  return {
    offer: (of, data) => {
      [latest, hasNewData] = [data, true];
      if (isOpen() && of !== filledWith) fill();
    },
  };
};

const isBeingRead = (place: Element): boolean => {
  const selection = document.getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(place, true);
  return isSelected || place.contains(document.activeElement);
};

/** Replaces the content with a table with this head. */
const openCells = (place: Element, head: readonly string[]): ((data: TableData) => void) => {
  const [caption, body] = [make("caption"), make("tbody")];
  const titles = head.map((title) => make("th", { scope: "col" }, title));
  place.replaceChildren(make("table", {}, caption, make("thead", {}, make("tr", {}, ...titles)), body));
  const fillRows = openRows(
    body,
    () => rowOf(head.length),
    ({ key }: TableRow) => key,
  );
  return (data) => {
    setText(caption, data.caption);
    fillRows(data.rows);
  };
};

const rowOf = (width: number): Row<TableRow> => {
  const cells = Array.from({ length: width }, (_, index) =>
    index === 0 ? make("th", { scope: "row" }) : make("td"),
  );
  return {
    element: make("tr", {}, ...cells),
    fill: ({ cells: texts }) => {
      for (const [index, cell] of cells.entries()) setText(cell, texts[index] ?? "");
    },
  };
};
