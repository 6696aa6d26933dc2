/**
 * Draws a chart to one SVG file that is readable in a light and a dark theme, and by screen readers. Vega draws without
 * a browser. Colours are variables, which the file sets for both themes.
 */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Environment } from "../run/results.ts";

export type Picture = {
  /** Also the file's name. */
  readonly id: string;
  readonly title: string;
  /** How to read it. */
  readonly reading: string;
  /** The finding with its numbers, for readers who cannot see it. Without square brackets: it is an alternative text. */
  readonly description: string;
  /** A specification of Vega-Lite without title and config, which all pictures share. */
  readonly chart: Readonly<Record<string, unknown>>;
};

/** The surface is painted, because the page around it may have another theme. Contrast is at least 4.5 : 1. */
const STYLE = `<style>
.coffee { --surface: #ffffff; --ink: #1c2128; --soft: #57606a; --grid: #e4e8ec; --bound: #a40e26;
  --v1: #0b62b8; --v2: #b34700; --v3: #0a7a52; --other: #7a3fb5; --none: #6a737d }
@media (prefers-color-scheme: dark) {
.coffee { --surface: #0f141a; --ink: #e8edf2; --soft: #a3adb8; --grid: #2a323b; --bound: #ff8f8f;
  --v1: #6db8ff; --v2: #ffa45c; --v3: #58d6a2; --other: #c9a2ff; --none: #98a2ad } }
.coffee text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
</style>`;

const TITLE_PIXELS = 17;
const TEXT_PIXELS = 12;
const PADDING_PIXELS = 18;

/** Width by height of a character in a wide font: without a browser, texts cannot be measured, and must not overlap. */
const CHARACTER_WIDTH = 0.6;
const estimated = ({ fontSize = TEXT_PIXELS }: { readonly fontSize?: number }, text: unknown): number =>
  String(text ?? "").length * fontSize * CHARACTER_WIDTH;

/** Missing in the types of Vega. */
const { textMetrics } = vega as unknown as { textMetrics: { width: typeof estimated } };

const CONFIG = {
  // the picture has one title and description; a screen reader would read those of every mark for minutes
  aria: false,
  background: null,
  padding: PADDING_PIXELS,
  view: { stroke: null },
  title: {
    anchor: "start",
    frame: "bounds",
    offset: 14,
    color: "var(--ink)",
    fontSize: TITLE_PIXELS,
    fontWeight: 600,
    subtitleColor: "var(--soft)",
    subtitleFontSize: TEXT_PIXELS,
    subtitleLineHeight: 17,
    subtitlePadding: 7,
  },
  axis: {
    labelColor: "var(--soft)",
    titleColor: "var(--ink)",
    titleFontWeight: 500,
    labelFontSize: TEXT_PIXELS,
    titleFontSize: TEXT_PIXELS,
    titlePadding: 9,
    labelPadding: 5,
    labelOverlap: true,
    gridColor: "var(--grid)",
    domain: false,
    ticks: false,
  },
  axisX: { grid: false, domain: true, domainColor: "var(--soft)", ticks: true, tickColor: "var(--soft)" },
  axisY: { titleAngle: 0, titleAlign: "left", titleAnchor: "end", titleY: -12, titleX: 0 },
  legend: {
    orient: "top",
    direction: "horizontal",
    title: null,
    labelColor: "var(--ink)",
    labelFontSize: TEXT_PIXELS + 1,
    symbolSize: 90,
    symbolStrokeWidth: 2,
    columnPadding: 22,
    symbolOpacity: 1,
    gridAlign: "none",
    offset: 34,
    labelLimit: 400,
  },
  line: { strokeWidth: 2.25, strokeJoin: "round" },
  text: { color: "var(--ink)", fontSize: TEXT_PIXELS },
} as const;

/** Stands under every picture. */
export const machineText = ({ cores, cpuModel, memoryBytes, isShared }: Environment): string => {
  const gibibytes = Math.round(memoryBytes / 2 ** 30);
  const shared = isShared ? " shared with the load generator" : "";
  return `Measured on ${cores} cores${shared} (${cpuModel}, ${gibibytes} GiB): compare ratios, not absolute figures.`;
};

export const svgOf = async (picture: Picture, env: Environment): Promise<string> => {
  const spec = {
    ...picture.chart,
    title: { text: picture.title, subtitle: [picture.reading, machineText(env)] },
    config: CONFIG,
  } as unknown as TopLevelSpec;
  textMetrics.width = estimated;
  // ids would continue from the previous picture
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(compile(spec, { logger: vega.logger(vega.Error) }).spec), {
    renderer: "none",
  });
  const drawn = await view.toSVG();
  view.finalize();
  return framed(picture, drawn);
};

/** Vega's root element has neither title, description nor surface. */
const framed = ({ id, title, reading, description }: Picture, drawn: string): string => {
  const [, width = "0", height = "0"] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(drawn) ?? [];
  const inner = drawn
    .slice(drawn.indexOf(">") + 1)
    .replaceAll(/(id="|url\(#)(clip|gradient)/g, `$1${id}-$2`)
    .replaceAll(/ font-family="[^"]*"/g, "")
    .replaceAll(/ pointer-events="none"| aria-hidden="true"| role="[^"]*"| aria-roledescription="[^"]*"/g, "")
    // the outline of a marker would have gaps with the dash of its line
    .replaceAll(/(role-legend-symbol"><path[^>]*?) stroke-dasharray="[^"]*"/g, "$1")
    .replaceAll(/<path class="(background|foreground)"[^>]*d=""[^>]*\/>/g, "");
  return `<svg xmlns="http://www.w3.org/2000/svg" class="coffee" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${escaped(title)}</title>
<desc id="${id}-description">${escaped(`${description} ${reading}`)}</desc>
${STYLE}
<rect width="${width}" height="${height}" rx="10" fill="var(--surface)"/>
${inner}
`;
};

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
