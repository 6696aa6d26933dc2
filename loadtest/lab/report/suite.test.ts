import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepRun, writeEnvironment } from "../run/result-files.ts";
import { SECTIONS, SHORT, SIZING } from "./pages.ts";
import { madeUpSuite } from "./suite.fixture.ts";
import { checkSuite, type Places, renderSuite } from "./suite.ts";

const suite = madeUpSuite();
const folder = mkdtempSync(join(tmpdir(), "coffee-rt-report-"));
const results = join(folder, "results");
const places: Places = {
  scaleFile: join(folder, "SCALE.md"),
  readmeFile: join(folder, "README.md"),
  sizingFile: join(folder, "sizing.md"),
  picturesFolder: join(folder, "docs", "scale"),
  htmlFile: join(folder, "report.html"),
};
const picture = (id: string): string => join(places.picturesFolder, `${id}.svg`);
const read = (file: string): string => readFileSync(file, "utf8");
const marks = SECTIONS.map((name) => `<!-- ${name}:begin -->\n<!-- ${name}:end -->`).join("\nby hand\n");
const shortMarks = `<!-- ${SHORT}:begin -->\n<!-- ${SHORT}:end -->\nby hand\n`;
const sizingMarks = `<!-- ${SIZING}:begin -->\n<!-- ${SIZING}:end -->\nby hand\n`;

beforeAll(async () => {
  writeEnvironment(results, suite.env);
  for (const { run, seconds } of suite.runs)
    keepRun(results, { run, seconds: seconds(), output: null, logs: "", took: {} });
  writeFileSync(places.scaleFile, marks);
  writeFileSync(places.readmeFile, shortMarks);
  writeFileSync(places.sizingFile, sizingMarks);
  await renderSuite(results, places);
});
afterAll(() => rmSync(folder, { recursive: true }));

const EXPECTED = ["ack-1", "ack-10", "cost-1", "cost-10", "crossover-1", "crossover-10", "fan-out"].concat(
  "freshness-1",
  "freshness-10",
  "soak",
  "spike",
);

test("every picture is drawn, says what it is, on what, and reads in both themes", () => {
  expect(readdirSync(places.picturesFolder)).toEqual(EXPECTED.map((id) => `${id}.svg`));
  for (const id of EXPECTED) {
    const svg = read(picture(id));
    expect(svg).toMatch(/<title id="[^"]+">[^<]+<\/title>\n<desc id="[^"]+">[^<]{40,}<\/desc>/);
    expect(svg).toContain("2 cores shared with the load generator");
    expect(svg).toContain("read ratios, not absolutes");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg).not.toMatch(/role-legend-symbol"[^>]*><path[^>]*stroke-dasharray/);
    // every colour is one that the themes set
    expect(svg.replace(/<style>[\s\S]*?<\/style>/, "")).not.toMatch(
      /(fill|stroke)="(#|rgb|[a-z]+(?<!none|transparent)")/,
    );
  }
});

test("distinguishes modes by marker and dash too", () => {
  const svg = read(picture("ack-1"));
  for (const mode of ["v1", "v2", "v3"]) expect(svg).toContain(`stroke="var(--${mode})"`);
  expect(new Set(svg.match(/stroke-dasharray="[^"]+"/g)).size).toBeGreaterThan(3);
});

test("texts do not lie upon each other", () => {
  for (const id of EXPECTED) expect([id, overlaps(read(picture(id)))]).toEqual([id, []]);
});

test("the page has the answer, each experiment's verdict, and what was by hand", () => {
  const page = read(places.scaleFile);
  expect(page.match(/by hand/g)).toHaveLength(SECTIONS.length - 1);
  expect(page).toContain("](docs/scale/crossover-1.svg)");
  // E9 was not run; E0, E11 and E13 were not either, and are answered from the others
  expect(page.match(/^\*\*Verdict: /gm)).toHaveLength(13);
  expect(page).toContain("Not run in this suite. Again: `npm run lab -- E0 E2 E9 --scale standard`");
  expect(page).toContain("/proc/&lt;pid>/stat");
  expect(page).toContain("✘ **refuted**");
  expect(page).toContain("| v2 · Redis Streams | 1 | **");
  expect(page).not.toMatch(/NaN|undefined|\[object/);
});

test("the README has a line for each mode, the picture, and what was by hand", () => {
  const page = read(places.readmeFile);
  expect(page.match(/^\| v[123] · /gm)).toHaveLength(3);
  expect(page).toContain("](docs/scale/crossover-1.svg)");
  expect(page).toContain("by hand");
  expect(page).not.toMatch(/NaN|undefined/);
});

test("the page on sizes has each piece of each mode, and what was by hand", () => {
  const page = read(places.sizingFile);
  for (const piece of ["order-api", "worker-v1", "worker-v2", "worker-v3", "postgres"])
    expect(page).toContain(`| ${piece} |`);
  expect(page).toContain("by hand");
});

test("the report holds every run with its validity, needs no script, and has no id twice", () => {
  const html = read(places.htmlFile);
  for (const { run } of suite.runs) expect(html).toContain(run.point);
  expect(html).toContain("void: the generator took 83 % of its cores");
  expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("renders the same bytes again, and reports any difference", async () => {
  expect(await checkSuite(results, places)).toEqual([]);
  appendFileSync(picture("soak"), " ");
  writeFileSync(picture("old"), "<svg/>");
  rmSync(picture("spike"));
  writeFileSync(
    places.scaleFile,
    read(places.scaleFile).replace("| v2 · Redis Streams | 1 | **", "| v2 · Redis Streams | 1 | **9"),
  );
  expect((await checkSuite(results, places)).map((problem) => problem.slice(folder.length + 1))).toEqual([
    "docs/scale/old.svg is made from no result",
    "docs/scale/spike.svg is missing",
    "docs/scale/soak.svg is not what the results make it",
    "SCALE.md is not what the results make it",
  ]);
  await renderSuite(results, places);
  expect(existsSync(picture("old"))).toBe(false);
  expect(await checkSuite(results, places)).toEqual([]);
}, 120_000);

test("a suite without runs is a page without figures", async () => {
  const empty = join(folder, "empty");
  writeEnvironment(empty, suite.env);
  const [scaleFile, sizingFile] = [join(folder, "EMPTY.md"), join(folder, "empty-sizing.md")];
  const readmeFile = join(folder, "EMPTY-README.md");
  const elsewhere = { ...places, scaleFile, readmeFile, sizingFile, picturesFolder: join(folder, "none") };
  writeFileSync(readmeFile, shortMarks);
  writeFileSync(scaleFile, marks);
  writeFileSync(sizingFile, sizingMarks);
  await renderSuite(empty, { ...elsewhere, htmlFile: join(folder, "empty.html") });
  expect(read(scaleFile)).toContain("single orders:** not measured.");
  for (const file of [readmeFile, sizingFile]) expect(read(file)).toContain("No results yet.");
});

type Box = {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

test("detects overlapping texts in a picture", () => {
  const text = (x: number): string => `<text transform="translate(${x},20)" font-size="12px">order</text>`;
  expect(overlaps(`<g transform="translate(5,5)">${text(0)}${text(60)}</g>${text(130)}`)).toEqual([]);
  expect(overlaps(`<g transform="translate(0,5)">${text(0)}</g>${text(20)}`)).toEqual(["order | order"]);
});

/** Pairs of texts whose boxes meet, by a font of 0.6 in width. */
const overlaps = (svg: string): string[] => {
  const boxes = boxesOf(svg);
  return boxes.flatMap((a, index) =>
    boxes
      .slice(index + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.text} | ${b.text}`),
  );
};

/** Walks the groups, adding up how far each is moved. */
const boxesOf = (svg: string): Box[] => {
  const boxes: Box[] = [];
  const moved: [x: number, y: number][] = [[0, 0]];
  for (const [, closing, tag, attributes = "", text = ""] of svg.matchAll(
    /<(\/?)(g|text)\b([^>]*)>([^<]*)/g,
  )) {
    if (closing) {
      if (tag === "g") moved.pop();
      continue;
    }
    const [, x = "0", y = "0"] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(attributes) ?? [];
    const [atX, atY] = moved.at(-1) ?? [0, 0];
    const at: [number, number] = [atX + Number(x), atY + Number(y)];
    if (tag === "g") moved.push(at);
    else if (text !== "") boxes.push(boxOf(text, attributes, at));
  }
  return boxes;
};

const boxOf = (text: string, attributes: string, [x, y]: readonly [number, number]): Box => {
  const size = Number(/font-size="(\d+)px"/.exec(attributes)?.[1]);
  const width = text.length * size * 0.6;
  const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1] ?? "start";
  const left = x - (anchor === "middle" ? width / 2 : anchor === "end" ? width : 0);
  return { text, left, right: left + width, top: y - size * 0.8, bottom: y + size * 0.2 };
};
