/** Helpers for the page's elements. Text is always set as text, never as HTML. */

/** The element with this id. A missing one is a bug in the page. */
export const byId = <T extends HTMLElement = HTMLElement>(id: string): T => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
};

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/** Skips unchanged text: ten times a second most of the page is unchanged. */
export const setText = (element: HTMLElement, text: string): void => {
  if (element.textContent !== text) element.textContent = text;
};

/** A figure on a line of its own; style/sales.css makes it as small as its length requires. */
export const setFigure = (element: HTMLElement, text: string): void => {
  if (element.textContent === text) return;
  element.textContent = text;
  element.style.setProperty("--characters", String(text.length));
};

export const setTime = (element: HTMLTimeElement, atMs: number, text: string, utc: string): void => {
  setText(element, text);
  if (element.title === utc) return;
  element.dateTime = new Date(atMs).toISOString();
  element.title = utc;
};

/** Calls `draw` only when the value has changed. */
export const onChange = <T>(draw: (value: T) => void): ((value: T) => void) => {
  let before: { readonly value: T } | null = null;
  return (value) => {
    if (before !== null && Object.is(before.value, value)) return;
    before = { value };
    draw(value);
  };
};

/** Returns whether any of the values has changed since the last call, so that unchanged parts are not drawn again. */
export const openChanges = (): ((...next: readonly unknown[]) => boolean) => {
  let before: readonly unknown[] | null = null;
  return (...next) => {
    const known = before;
    before = next;
    if (known === null || known.length !== next.length) return true;
    return next.some((each, index) => !Object.is(each, known[index]));
  };
};

export type Row<Item> = {
  readonly element: HTMLElement;
  fill(item: Item, index: number): void;
  /** Called for a new row when few are new at once. */
  arrive?(): void;
};

/** With more new rows at once none of them is highlighted. */
const MAX_ARRIVALS = 3;

/**
 * A list whose rows follow their items. Rows of removed items are reused for new ones, so that a list that changes ten
 * times a second creates no garbage.
 */
export const openRows = <Item>(
  list: HTMLElement,
  makeRow: () => Row<Item>,
  keyOf: (item: Item, index: number) => string,
): ((items: readonly Item[]) => void) => {
  let rows = new Map<string, Row<Item>>();
  return (items) => {
    const keys = items.map(keyOf);
    const wanted = new Set(keys);
    const free = [...rows].filter(([key]) => !wanted.has(key)).map(([, row]) => row);
    const next = new Map<string, Row<Item>>();
    const arrived: Row<Item>[] = [];
    for (const [index, item] of items.entries()) {
      const key = keys[index] ?? "";
      const known = rows.get(key);
      const row = known ?? free.pop() ?? makeRow();
      if (known === undefined) arrived.push(row);
      row.fill(item, index);
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
      next.set(key, row);
    }
    for (const row of free) row.element.remove();
    const isFirst = rows.size === 0;
    rows = next;
    if (!isFirst && arrived.length <= MAX_ARRIVALS) for (const row of arrived) row.arrive?.();
  };
};

/** False when the user's system asks for less motion. */
export const wantsMotion = (): boolean => !matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Calls `choose` with the value of the chosen radio button. */
export const onChoice = (group: HTMLElement, choose: (value: string) => void): void => {
  group.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement && target.checked) choose(target.value);
  });
};
