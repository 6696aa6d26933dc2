/** From a folder of results to everything that is made of them, and whether what is committed is that. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { withSection } from "../../../dev/markdown.ts";
import { readSuite } from "../run/result-files.ts";
import type { Suite } from "../run/results.ts";
import { crossovers } from "./charts/crossover.ts";
import { againstRate, costs } from "./charts/lines.ts";
import { fanOut, soaks, spikes } from "./charts/panels.ts";
import { runsOf } from "./figures.ts";
import {
  environmentText,
  SECTIONS,
  SHORT,
  SIZING,
  sectionsOf,
  shortOf,
  sizingOf,
  speedText,
  tablesOf,
} from "./pages.ts";
import { escaped, type Picture, svgOf } from "./picture.ts";
import { answerTable, claimsTable, type Table, validityTable } from "./tables.ts";
import { HYPOTHESES } from "./verdicts.ts";

export type Places = {
  /** A page with the marks of `SECTIONS`. */
  readonly scaleFile: string;
  /** A page with the marks of `SHORT`, in the folder of `scaleFile`. */
  readonly readmeFile: string;
  /** A page with the marks of `SIZING`. */
  readonly sizingFile: string;
  /** Holds the pictures of this report and nothing else that ends in .svg. */
  readonly picturesFolder: string;
  readonly htmlFile: string;
};

export const picturesOf = (suite: Suite): Picture[] =>
  [crossovers, againstRate, spikes, soaks, fanOut, costs].flatMap((draw) => draw(suite));

/** Writes pictures, page and report; pictures that are no longer made go. Returns the files written. */
export const renderSuite = async (folder: string, places: Places): Promise<string[]> => {
  const made = await madeOf(readSuite(folder), places);
  for (const file of strayPictures(made, places)) rmSync(file);
  for (const [file, text] of made) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return [...made.keys()];
};

/**
 * A sentence for each file that is not what the results make it; none when all is well. The HTML report is looked at
 * where it is: it need not be committed.
 */
export const checkSuite = async (folder: string, places: Places): Promise<string[]> => {
  const made = await madeOf(readSuite(folder), places);
  const stray = strayPictures(made, places).map((file) => `${file} is made from no result`);
  const others = [...made].flatMap(([file, text]) => {
    if (!existsSync(file)) return file === places.htmlFile ? [] : [`${file} is missing`];
    return readFileSync(file, "utf8") === text ? [] : [`${file} is not what the results make it`];
  });
  return [...stray, ...others];
};

/** The report alone, of whatever a folder holds so far. */
export const renderReport = async (folder: string, htmlFile: string): Promise<void> => {
  const suite = readSuite(folder);
  mkdirSync(dirname(htmlFile), { recursive: true });
  writeFileSync(htmlFile, htmlOf(suite, await drawnOf(suite)));
};

const drawnOf = async (suite: Suite): Promise<Drawn[]> => {
  const drawn: Drawn[] = [];
  // one after the other: Vega counts ids for the whole process
  for (const picture of picturesOf(suite)) drawn.push({ picture, svg: await svgOf(picture, suite.env) });
  return drawn;
};

/** The text of each file. Nothing in it depends on when or where it is made. */
const madeOf = async (suite: Suite, places: Places): Promise<Map<string, string>> => {
  const { scaleFile, readmeFile, sizingFile, picturesFolder, htmlFile } = places;
  const drawn = await drawnOf(suite);
  const fileOf = ({ id }: Picture): string => join(picturesFolder, `${id}.svg`);
  const pathOf = (picture: Picture): string =>
    relative(dirname(scaleFile), fileOf(picture)).split(sep).join("/");
  const pictured = { pictures: drawn.map(({ picture }) => picture), pathOf };
  const sections = sectionsOf(suite, pictured);
  const page = SECTIONS.reduce(
    (text, name) => withSection(text, name, sections[name], scaleFile),
    readFileSync(scaleFile, "utf8"),
  );
  return new Map([
    ...drawn.map(({ picture, svg }) => [fileOf(picture), svg] as const),
    [scaleFile, page],
    [readmeFile, withPart(readmeFile, SHORT, shortOf(suite, pictured))],
    [sizingFile, withPart(sizingFile, SIZING, sizingOf(suite))],
    [htmlFile, htmlOf(suite, drawn)],
  ]);
};

const withPart = (file: string, name: string, text: string): string =>
  withSection(readFileSync(file, "utf8"), name, text, file);

const strayPictures = (made: ReadonlyMap<string, string>, { picturesFolder }: Places): string[] =>
  existsSync(picturesFolder)
    ? readdirSync(picturesFolder)
        .filter((name) => name.endsWith(".svg"))
        .map((name) => join(picturesFolder, name))
        .filter((file) => !made.has(file))
    : [];

/** A suite in one file that needs nothing else: pictures inline, no scripts, light and dark. */

export type Drawn = { readonly picture: Picture; readonly svg: string };

const STYLE = `
:root { color-scheme: light dark; --page: #f6f8fa; --ink: #1c2128; --soft: #57606a; --line: #d5dbe1;
  --confirmed: #0a7a52; --refuted: #a40e26; --not-shown: #7a5200 }
@media (prefers-color-scheme: dark) { :root { --page: #080b0f; --ink: #e8edf2; --soft: #a3adb8; --line: #2f3842;
  --confirmed: #58d6a2; --refuted: #ff8f8f; --not-shown: #e8b64c } }
body { margin: 2.5rem auto; padding: 0 1rem; max-width: 62rem; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 1.7rem } h2 { margin: 2.5rem 0 .3rem; font-size: 1.25rem }
svg.coffee { display: block; max-width: 100%; height: auto; margin: 1rem 0 }
.scrolls { overflow-x: auto; margin: .8rem 0 } table { border-collapse: collapse; font-size: 13px }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 600 } td { font-variant-numeric: tabular-nums }
summary { cursor: pointer; color: var(--soft) } .environment { color: var(--soft) }
.verdict { font-weight: 600 } .confirmed { color: var(--confirmed) } .refuted { color: var(--refuted) }
.not-shown { color: var(--not-shown) }`;

export const htmlOf = (suite: Suite, drawn: readonly Drawn[]): string => {
  const answer = drawn.filter(({ picture }) => picture.id === "crossover-1").map(({ svg }) => svg);
  const body = [
    `<h1>How far does each mode scale?</h1>`,
    `<p class="environment">${escaped(`${environmentText(suite.env)} ${speedText(suite)}`)}</p>`,
    ...answer,
    tableHtml(answerTable(suite)),
    ...Object.keys(HYPOTHESES).map((id) => experimentHtml(id, suite, drawn)),
    `<h2>What the earlier system said of itself</h2>`,
    tableHtml(claimsTable(suite)),
  ];
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

const experimentHtml = (id: string, suite: Suite, drawn: readonly Drawn[]): string => {
  const experiment = HYPOTHESES[id];
  if (!experiment) throw new Error(`there is no experiment ${id}`);
  const { is, because } = experiment.verdict(suite);
  const runs = runsOf(suite, id);
  const own = drawn.filter(
    // the first picture of all is not shown twice: ids within a page are one of a kind
    ({ picture }) =>
      picture.id !== "crossover-1" && experiment.pictures.some((each) => picture.id.startsWith(each)),
  );
  return [
    `<h2 id="${id}">${id} ${escaped(experiment.title)}</h2>`,
    `<p>${escaped(experiment.hypothesis)}</p>`,
    `<p><span class="verdict ${is.replace(" ", "-")}">${is}:</span> ${escaped(because)}.</p>`,
    `<p>${escaped(experiment.done)}</p>`,
    ...own.map(({ svg }) => svg),
    ...tablesOf(suite, id).map(({ table }) => tableHtml(table)),
    ...(runs.length > 0
      ? [`<details><summary>Every run (${runs.length})</summary>${tableHtml(validityTable(runs))}</details>`]
      : []),
  ].join("\n");
};

/** Two stars make strong, as on the page. */
const cellHtml = (cell: string): string => escaped(cell).replaceAll(/\*\*(.+?)\*\*/g, "<strong>$1</strong>");

const tableHtml = ({ head, rows }: Table): string => {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${cellHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="scrolls"><table><thead>${cells("th", head)}</thead><tbody>${rows.map((row) => cells("td", row)).join("\n")}</tbody></table></div>`;
};
