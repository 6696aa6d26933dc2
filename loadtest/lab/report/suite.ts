/** From a folder of results to everything that is made of them, and whether what is committed is that. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { withSection } from "../../../dev/page.ts";
import { readSuite, type Suite } from "../run/results.ts";
import { againstRate } from "./charts/against-rate.ts";
import { costs } from "./charts/costs.ts";
import { crossovers } from "./charts/crossover.ts";
import { fanOut } from "./charts/fan-out.ts";
import { soaks, spikes } from "./charts/over-time.ts";
import { type Drawn, htmlOf } from "./html.ts";
import { type Picture, svgOf } from "./picture.ts";
import { SECTIONS, sectionsOf } from "./scale.ts";
import { SIZING, sizingOf } from "./sizing.ts";
import { SHORT, shortOf } from "./summary.ts";

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
