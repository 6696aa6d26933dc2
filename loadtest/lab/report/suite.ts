/** Writes everything that is made from a folder of results, and checks that the committed files are what it writes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withSection } from "../../../dev/markdown.ts";
import { readSuite } from "../run/result-files.ts";
import type { Suite } from "../run/results.ts";
import { crossovers } from "./charts/crossover.ts";
import { againstRate, costs } from "./charts/lines.ts";
import { fanOut, soaks, spikes } from "./charts/panels.ts";
import { points } from "./charts/points.ts";
import { FOLDER, PARTS, reportBlocks } from "./pages.ts";
import { type Picture, svgOf } from "./picture.ts";
import { htmlOf, markdownOf } from "./render.ts";

const CHARTS = [crossovers, againstRate, spikes, soaks, fanOut, costs, points];

/** The report of a folder of results; it need not be committed. */
export const reportFile = (results: string): string => join(results, "report.html");

/** Returns the files written. Pictures and pages that the results no longer make are removed. */
export const renderSuite = async (results: string, root: string): Promise<string[]> => {
  const made = await madeOf(results, root);
  for (const file of strays(made, root)) rmSync(file);
  for (const [file, text] of made) write(file, text);
  return [...made.keys()];
};

/** A sentence for each file that differs from what the results make. */
export const checkSuite = async (results: string, root: string): Promise<string[]> => {
  const made = await madeOf(results, root);
  const different = [...made].flatMap(([file, text]) => {
    if (!existsSync(file)) return file === reportFile(results) ? [] : [`${file} is missing`];
    return readFileSync(file, "utf8") === text ? [] : [`${file} differs from what the results make`];
  });
  return [...strays(made, root).map((file) => `${file} is not made from these results`), ...different];
};

/** Writes only the HTML report, of the results so far. */
export const renderReport = async (results: string): Promise<void> => {
  const suite = readSuite(results);
  write(reportFile(results), htmlOf(reportBlocks(suite, picturesOf(suite)), await drawn(suite)));
};

const write = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

const picturesOf = (suite: Suite): Picture[] => CHARTS.flatMap((chart) => chart(suite));

/** By id, one after the other: Vega counts ids for the whole process. */
const drawn = async (suite: Suite): Promise<Map<string, string>> => {
  const svgs = new Map<string, string>();
  for (const picture of picturesOf(suite)) svgs.set(picture.id, await svgOf(picture, suite.env));
  return svgs;
};

/** The text of each file. It does not depend on when or where it is made. */
const madeOf = async (results: string, root: string): Promise<Map<string, string>> => {
  const suite = readSuite(results);
  const pictures = picturesOf(suite);
  const svgs = await drawn(suite);
  const made = new Map([...svgs].map(([id, svg]) => [join(root, FOLDER, `${id}.svg`), svg]));
  for (const { file, section, blocks } of PARTS) {
    const path = join(root, file);
    const text = markdownOf(blocks(suite, pictures), file);
    const page = section && withSection(made.get(path) ?? readFileSync(path, "utf8"), section, text, file);
    made.set(path, page ?? `${text}\n`);
  }
  return made.set(reportFile(results), htmlOf(reportBlocks(suite, pictures), svgs));
};

/** Generated files of earlier results that these results do not make. */
const strays = (made: ReadonlyMap<string, string>, root: string): string[] => {
  const folder = join(root, FOLDER);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => /\.svg$|^e\d+\.md$/.test(name))
    .map((name) => join(folder, name))
    .filter((file) => !made.has(file));
};
