/** Blocks as Markdown, and as one HTML page that needs nothing else: pictures inline, no scripts, light and dark. */
import { posix } from "node:path";
import { tableOf } from "../../../dev/markdown.ts";
import { type Block, FOLDER } from "./pages.ts";
import { escaped } from "./picture.ts";

/** `file` is the page, relative to the project. */
export const markdownOf = (blocks: readonly Block[], file: string): string => {
  const folder = posix.relative(posix.dirname(file), FOLDER);
  return blocks.map((block) => markdownBlock(block, folder)).join("\n\n");
};

const markdownBlock = (block: Block, folder: string): string => {
  if (typeof block === "string") return block;
  if ("chart" in block) return `![${block.description}](${posix.join(folder, `${block.id}.svg`)})`;
  const rows = block.rows.map((row) => row.map(markdownCell));
  return `${block.title === "" ? "" : `## ${block.title}\n\n`}${tableOf(block.head, rows)}`;
};

/** A bar would end the cell, and a renderer reads angle brackets as HTML. */
const markdownCell = (cell: string): string => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;");

const STYLE = `
:root { color-scheme: light dark; --page: #f6f8fa; --ink: #1c2128; --soft: #57606a; --line: #d5dbe1 }
@media (prefers-color-scheme: dark) { :root { --page: #080b0f; --ink: #e8edf2; --soft: #a3adb8; --line: #2f3842 } }
body { margin: 2.5rem auto; padding: 0 1rem; max-width: 62rem; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 1.7rem } h2 { margin: 2.5rem 0 .3rem; font-size: 1.25rem } h3 { font-size: 1rem }
svg.coffee { display: block; max-width: 100%; height: auto; margin: 1rem 0 }
.scrolls { overflow-x: auto; margin: .8rem 0 } table { border-collapse: collapse; font-size: 13px }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 600 } td { font-variant-numeric: tabular-nums }`;

/** `svgs` are the pictures by id. A picture is shown once, because ids must be unique in a page. */
export const htmlOf = (blocks: readonly Block[], svgs: ReadonlyMap<string, string>): string => {
  const left = new Map(svgs);
  const body = blocks.map((block) => {
    if (typeof block === "string") return htmlText(block);
    if ("head" in block) return htmlTable(block);
    const svg = left.get(block.id) ?? "";
    left.delete(block.id);
    return svg;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coffee-RT: how far does each mode scale?</title>
<style>${STYLE}
</style>
</head>
<body>
${body.join("\n")}
</body>
</html>
`;
};

/** The Markdown that the blocks use: headings, lists, strong, code; of links only the text. */
const htmlText = (text: string): string => {
  const [, marks = "", rest = ""] = /^(#*) ?(.*)$/s.exec(text) ?? [];
  if (marks !== "") return `<h${marks.length}>${inline(rest)}</h${marks.length}>`;
  if (!text.startsWith("- ")) return `<p>${inline(text)}</p>`;
  const items = text.split("\n").map((item) => `<li>${inline(item.slice(2))}</li>`);
  return `<ul>${items.join("")}</ul>`;
};

const inline = (text: string): string =>
  escaped(text)
    .replaceAll(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
    .replaceAll(/`(.+?)`/g, "<code>$1</code>")
    .replaceAll(/\[(.+?)\]\(.+?\)/g, "$1")
    .replaceAll("\\*", "*");

const htmlTable = ({ title, head, rows }: Extract<Block, { head: unknown }>): string => {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${inline(cell)}</${tag}>`).join("")}</tr>`;
  const heading = title === "" ? "" : `<h3>${inline(title)}</h3>\n`;
  return `${heading}<div class="scrolls"><table><thead>${cells("th", head)}</thead><tbody>${rows.map((row) => cells("td", row)).join("\n")}</tbody></table></div>`;
};
