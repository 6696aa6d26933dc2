/** A suite in one file that needs nothing else: pictures inline, no scripts, light and dark. */

import type { Suite } from "../run/results.ts";
import { runsOf } from "./figures.ts";
import { escaped, type Picture } from "./picture.ts";
import { environmentText, speedText, tablesOf } from "./scale.ts";
import { answerTable, claimsTable, type Table, validityTable } from "./tables.ts";
import { HYPOTHESES } from "./verdicts.ts";

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
