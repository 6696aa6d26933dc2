import { make, openRows, type Row, setText } from "../dom.ts";

export type Cells = {
  /** Of what; when it is of something else, the table is that at once. */
  readonly of: string;
  readonly caption: string;
  readonly head: readonly string[];
  /** A row is the same one as long as its key is. */
  readonly rows: readonly TableRow[];
};
type TableRow = { readonly key: string; readonly cells: readonly string[] };

/** Slower than the chart, so that it can be read. */
const REFRESH_EVERY_MS = 5_000;

/**
 * The table behind a chart, made only while somebody looks at it. It stands still while it has the focus or a selection:
 * a screen reader would be thrown out of it otherwise.
 */
export const openTable = (details: HTMLElement): { offer(of: string, cells: () => Cells): void } => {
  const place = details.querySelector(".scroll") ?? details;
  let latest: (() => Cells) | null = null;
  let isNews = false;
  let fillTable: ((cells: Cells) => void) | null = null;
  let filledWith = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isOpen = (): boolean => details instanceof HTMLDetailsElement && details.open;
  const fill = (): void => {
    if (latest === null) return;
    const cells = latest();
    if (fillTable === null || filledWith !== cells.of) fillTable = openCells(place, cells.head);
    [isNews, filledWith] = [false, cells.of];
    fillTable(cells);
  };
  const refresh = (): void => {
    timer = undefined;
    if (!isOpen()) return;
    if (isNews && !isBeingRead(place)) fill();
    timer = setTimeout(refresh, REFRESH_EVERY_MS);
  };
  details.addEventListener("toggle", () => {
    if (!isOpen()) return;
    fill();
    if (timer === undefined) timer = setTimeout(refresh, REFRESH_EVERY_MS);
  });
  return {
    offer: (of, cells) => {
      [latest, isNews] = [cells, true];
      if (isOpen() && of !== filledWith) fill();
    },
  };
};

const isBeingRead = (place: Element): boolean => {
  const selection = document.getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(place, true);
  return isSelected || place.contains(document.activeElement);
};

/** A table with this head, in place of what was there. */
const openCells = (place: Element, head: readonly string[]): ((cells: Cells) => void) => {
  const [caption, body] = [make("caption"), make("tbody")];
  const titles = head.map((title) => make("th", { scope: "col" }, title));
  place.replaceChildren(make("table", {}, caption, make("thead", {}, make("tr", {}, ...titles)), body));
  const fillRows = openRows(
    body,
    () => rowOf(head.length),
    ({ key }: TableRow) => key,
  );
  return (cells) => {
    setText(caption, cells.caption);
    fillRows(cells.rows);
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
