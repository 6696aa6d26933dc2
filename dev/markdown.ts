/** Tables in Markdown, and sections of a document that a command writes between two marks. */
import { readFileSync, writeFileSync } from "node:fs";

/** Replaces the text between `<!-- name:begin -->` and `<!-- name:end -->`; throws without these marks. `file` names the document. */
export const withSection = (document: string, name: string, text: string, file: string): string => {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} … ${end}`);
  return `${document.slice(0, from)}${begin}\n\n${text}\n\n${document.slice(to)}`;
};

export const writeSection = (file: string, name: string, text: string): void =>
  writeFileSync(file, withSection(readFileSync(file, "utf8"), name, text, file));

/** Throws when a row does not have one cell per heading: a renderer would drop the others. */
export const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => lineOf(cells, head)).join("\n");

const lineOf = (cells: readonly string[], head: readonly string[]): string => {
  if (cells.length !== head.length)
    throw new Error(`a row of ${cells.length} cells under ${head.length} headings: ${cells.join(" | ")}`);
  return `| ${cells.join(" | ")} |`;
};
