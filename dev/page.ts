/** Parts of a page that a command writes: what stands between its marks. */
import { readFileSync, writeFileSync } from "node:fs";

/** The page with `text` between `<!-- name:begin -->` and `<!-- name:end -->`; throws when it has none. `file` is told. */
export const withSection = (page: string, name: string, text: string, file: string): string => {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  return `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`;
};

/** The same in a file. */
export const writeSection = (file: string, name: string, text: string): void =>
  writeFileSync(file, withSection(readFileSync(file, "utf8"), name, text, file));

/** A table in Markdown; throws when a row has not a cell for each heading. */
export const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => lineOf(cells, head)).join("\n");

/** A browser drops what has no heading. */
const lineOf = (cells: readonly string[], head: readonly string[]): string => {
  if (cells.length !== head.length)
    throw new Error(`a row of ${cells.length} cells under ${head.length} headings: ${cells.join(" | ")}`);
  return `| ${cells.join(" | ")} |`;
};
