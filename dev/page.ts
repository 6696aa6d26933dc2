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

/** A table in Markdown. */
export const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
