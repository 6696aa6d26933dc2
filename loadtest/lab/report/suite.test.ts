import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepRun, writeEnvironment } from "../run/result-files.ts";
import type { Suite } from "../run/results.ts";
import { PARTS } from "./pages.ts";
import { syntheticSuite } from "./suite.fixture.ts";
import { checkSuite, renderSuite } from "./suite.ts";

const made = syntheticSuite();
/** The order API has used one CPU-second for every thousand orders, and the machine's speed is known. */
const suite: Suite = {
  ...made,
  runs: made.runs.map(({ run, ...rest }, index) => {
    const cpuSeconds = (run.ackMs.count * run.load.ordersPerRequest) / 1_000;
    const api = { cpuSeconds, peakRssBytes: 100 * 2 ** 20, cores: 2 };
    const machine = { hashingSpeed: 400 + (index % 10) * 10, stolenShare: index === 3 ? 0.031 : 0 };
    return { ...rest, run: { ...run, machine, resources: { ...run.resources, "order-api": api } } };
  }),
};
const root = mkdtempSync(join(tmpdir(), "coffee-rt-report-"));
const results = join(root, "results");
const file = (name: string): string => join(root, name);
const read = (name: string): string => readFileSync(file(name), "utf8");
const picture = (id: string): string => `docs/scale/${id}.svg`;

/** Each page with its marks, and a line by hand after each section. */
const writePages = (folder: string): void => {
  for (const [name, parts] of Map.groupBy(PARTS, (part) => part.file)) {
    const marks = parts.flatMap(({ section }) =>
      section === null ? [] : [`<!-- ${section}:begin -->\n<!-- ${section}:end -->\nby hand\n`],
    );
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if (marks.length > 0) writeFileSync(join(folder, name), marks.join(""));
  }
};

beforeAll(async () => {
  writeEnvironment(results, suite.env);
  for (const { run, seconds } of suite.runs)
    keepRun(results, { run, seconds: seconds(), output: null, logs: "", took: {} });
  writePages(root);
  await renderSuite(results, root);
});
afterAll(() => rmSync(root, { recursive: true }));

const PICTURES = [
  ...["ack-1", "ack-10", "cost-1", "cost-10", "crossover-1", "crossover-10", "fan-out", "freshness-1"],
  ...["freshness-10", "points-e1", "points-e10", "points-e6", "points-e8", "soak", "spike"],
];

test("draws every picture with title, description and machine, in both themes", () => {
  const drawn = readdirSync(file("docs/scale")).filter((name) => name.endsWith(".svg"));
  expect(drawn).toEqual(PICTURES.map((id) => `${id}.svg`));
  for (const id of PICTURES) {
    const svg = read(picture(id));
    expect(svg).toMatch(/<title id="[^"]+">[^<]+<\/title>\n<desc id="[^"]+">[^<]{40,}<\/desc>/);
    expect(svg).toContain("2 cores shared with the load generator");
    expect(svg).toContain("compare ratios, not absolute figures");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg).not.toMatch(/role-legend-symbol"[^>]*><path[^>]*stroke-dasharray/);
    // every colour is a variable of the themes
    expect(svg.replace(/<style>[\s\S]*?<\/style>/, "")).not.toMatch(
      /(fill|stroke)="(#|rgb|[a-z]+(?<!none|transparent)")/,
    );
    expect([id, overlaps(svg)]).toEqual([id, []]);
  }
});

test("distinguishes modes by marker and dash too", () => {
  const svg = read(picture("ack-1"));
  for (const mode of ["v1", "v2", "v3"]) expect(svg).toContain(`stroke="var(--${mode})"`);
  expect(new Set(svg.match(/stroke-dasharray="[^"]+"/g)).size).toBeGreaterThan(3);
});

test("writes the answer, each verdict and the rule, and keeps the text by hand", () => {
  const page = read("SCALE.md");
  expect(page.match(/by hand/g)).toHaveLength(3);
  expect(page).toContain("](docs/scale/crossover-1.svg)");
  // E9 was not run; E0, E11 and E13 were not either, and are answered from the others
  expect(page.match(/^\*\*(✔ Confirmed|✘ Refuted|\? Not shown)\./gm)).toHaveLength(13);
  expect(page.match(/^\*\*Not measured\./gm)).toHaveLength(1);
  expect(page).toContain("| v2 · Redis Streams | **");
  expect(read("README.md").match(/^\| v[123] · /gm)).toHaveLength(3);
  const figures = read("docs/scale/README.md");
  expect(figures).toContain("/proc/&lt;pid>/stat");
  expect(figures).toMatch(/median 4[45]0\D+MB\/s, 400 to 480\D+.*at most 3\.1\D+of a run's time/);
  expect(read("docs/scale/e9.md")).toContain("Repeat it: `npm run lab -- E0 E2 E9 --scale standard`");
});

test("no table has more than seven columns or a figure that is not a number", () => {
  for (const { file: name } of PARTS) {
    const page = read(name);
    expect(page).not.toMatch(/NaN|undefined|\[object/);
    for (const line of page.match(/^\| --- .*$/gm) ?? [])
      expect([name, line.split("---").length - 1 <= 7]).toEqual([name, true]);
  }
});

test("sizes each process by what orders cost it, with room in its core", () => {
  const page = read("docs/sizing.md");
  expect(page).toMatch(
    /\| v2 · Redis Streams, single orders: 1\D350 of [^|]+ \| order-api \| 1 \| 100\u00a0MiB \| 1.35 \| 2 \|/,
  );
  expect(page).toMatch(/\| worker-v1 \| [^|]+ \| [^|]+ \| [^|]+ \| 1 \|/);
  for (const name of ["worker-v2", "worker-v3", "postgres"]) expect(page).toContain(`| ${name} |`);
  expect(page).not.toContain("| k6 |");
});

test("the report has every run with its validity, no script and no id twice", () => {
  const html = read("results/report.html");
  for (const { run } of suite.runs) expect(html).toContain(run.point);
  expect(html).toContain("void: the generator took 83 % of its cores");
  expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("renders the same bytes again, and reports every difference", async () => {
  expect(await checkSuite(results, root)).toEqual([]);
  appendFileSync(file(picture("soak")), " ");
  writeFileSync(file(picture("old")), "<svg/>");
  rmSync(file("docs/scale/e3.md"));
  writeFileSync(file("SCALE.md"), read("SCALE.md").replace("| v2 · Redis", "| v3 · Redis"));
  expect((await checkSuite(results, root)).map((problem) => problem.slice(root.length + 1))).toEqual([
    "docs/scale/old.svg is not made from these results",
    "docs/scale/soak.svg differs from what the results make",
    "SCALE.md differs from what the results make",
    "docs/scale/e3.md is missing",
  ]);
  await renderSuite(results, root);
  expect(existsSync(file(picture("old")))).toBe(false);
  expect(await checkSuite(results, root)).toEqual([]);
}, 120_000);

test("a suite without runs makes pages without figures", async () => {
  const empty = file("empty");
  writeEnvironment(join(empty, "results"), suite.env);
  writePages(empty);
  await renderSuite(join(empty, "results"), empty);
  for (const name of ["SCALE.md", "README.md", "docs/sizing.md"])
    expect(read(`empty/${name}`)).toContain("No results yet.");
});

test("detects overlapping texts in a picture", () => {
  const text = (x: number): string => `<text transform="translate(${x},20)" font-size="12px">order</text>`;
  expect(overlaps(`<g transform="translate(5,5)">${text(0)}${text(60)}</g>${text(130)}`)).toEqual([]);
  expect(overlaps(`<g transform="translate(0,5)">${text(0)}</g>${text(20)}`)).toEqual(["order | order"]);
});

/** Pairs of texts whose boxes overlap, in a font of 0.6 in width. */
const overlaps = (svg: string): string[] => {
  const boxes = boxesOf(svg);
  return boxes.flatMap((a, index) =>
    boxes
      .slice(index + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.text} | ${b.text}`),
  );
};

/** Walks the groups and adds up their translations. */
const boxesOf = (svg: string) => {
  const boxes: ReturnType<typeof boxOf>[] = [];
  const moved: [x: number, y: number][] = [[0, 0]];
  const tags = svg.matchAll(/<(\/?)(g|text)\b([^>]*)>([^<]*)/g);
  for (const [, closing, tag, attributes = "", text = ""] of tags) {
    const [, x = "0", y = "0"] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(attributes) ?? [];
    const [fromX, fromY] = moved.at(-1) ?? [0, 0];
    const at: [number, number] = [fromX + Number(x), fromY + Number(y)];
    if (closing && tag === "g") moved.pop();
    else if (tag === "g") moved.push(at);
    else if (text !== "") boxes.push(boxOf(text, attributes, at));
  }
  return boxes;
};

const boxOf = (text: string, attributes: string, [x, y]: readonly [number, number]) => {
  const size = Number(/font-size="(\d+)px"/.exec(attributes)?.[1]);
  const width = text.length * size * 0.6;
  const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1] ?? "start";
  const left = x - (anchor === "middle" ? width / 2 : anchor === "end" ? width : 0);
  return { text, left, right: left + width, top: y - size * 0.8, bottom: y + size * 0.2 };
};
