/** What the charts have in common. A mode has a colour, a dash and a marker, so that it is known without colour. */

type Style = { readonly color: string; readonly dash: readonly number[]; readonly shape: string };

const STYLES: Readonly<Record<string, Style>> = {
  v1: { color: "var(--v1)", dash: [1, 0], shape: "circle" },
  v2: { color: "var(--v2)", dash: [9, 4], shape: "square" },
  v3: { color: "var(--v3)", dash: [3, 3], shape: "triangle-up" },
  "v1-each": { color: "var(--other)", dash: [12, 3, 2, 3], shape: "diamond" },
  null: { color: "var(--none)", dash: [1, 4], shape: "cross" },
};
const UNKNOWN: Style = { color: "var(--soft)", dash: [5, 2, 1, 2], shape: "triangle-down" };

const NAMES: Readonly<Record<string, string>> = {
  v1: "v1 · PostgreSQL",
  v2: "v2 · Redis Streams",
  v3: "v3 · Kafka",
  "v1-each": "v1, one INSERT per request",
  null: "null route · no backend",
};

export const modeName = (mode: string): string => NAMES[mode] ?? mode;

const known = Object.keys(STYLES);

/** In the order in which modes are always shown. */
export const inOrder = (modes: Iterable<string>): string[] =>
  [...new Set(modes)].sort((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));

const placeOf = (mode: string): number => (known.indexOf(mode) + known.length + 1) % (known.length + 1);

/** Colour, dash and marker of the field `mode`, with one legend. */
export const modeChannels = (modes: readonly string[]) => {
  const styles = modes.map((mode) => STYLES[mode] ?? UNKNOWN);
  const field = { field: "mode", type: "nominal" };
  const scaled = (range: readonly unknown[]) => ({ ...field, scale: { domain: modes, range } });
  // a legend for which there is but one mode says what the title says
  const legend = { labelExpr: namesExpression(modes), values: modes };
  return {
    color: { ...scaled(styles.map(({ color }) => color)), legend },
    // the legend's markers would be drawn with it
    strokeDash: { ...scaled(styles.map(({ dash }) => dash)), legend: null },
    shape: { ...scaled(styles.map(({ shape }) => shape)), legend },
  };
};

const namesExpression = (modes: readonly string[]): string =>
  `${JSON.stringify(Object.fromEntries(modes.map((mode) => [mode, modeName(mode)])))}[datum.value]`;

/** "0.5", "200", "1k", "2.5k": ticks stay apart, and none has an exponent. */
const NUMBER_LABELS = "abs(datum.value) < 1000 ? format(datum.value, '~g') : format(datum.value, '~s')";

/** From a little below the least to a little above the most. */
const ROOM = 1.12;
const TICKS = [
  [1],
  [1, 3],
  [1, 2, 5],
  [1, 1.5, 2, 3, 5, 7],
  [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9],
] as const;
/** What a label takes, with room to the next: along the axis, and for one above the other. */
const [LABEL_WIDTH_PIXELS, LABEL_HEIGHT_PIXELS] = [44, 19];

/** Of a logarithmic axis: round numbers, as many as there is room for when each is so many times the one before. */
export const logTicks = (low: number, high: number, apart: number): number[] => {
  const first = Math.floor(Math.log10(low));
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, index) => first + index,
  );
  const choices = TICKS.map((steps) =>
    decades
      .flatMap((decade) => steps.map((step) => Number((step * 10 ** decade).toPrecision(2))))
      .filter((tick) => tick >= low && tick <= high),
  );
  const isRoomy = (ticks: readonly number[]): boolean =>
    ticks.length <= MOST_TICKS &&
    ticks.every((tick, index) => index === 0 || tick / (ticks[index - 1] ?? tick) >= apart);
  return choices.findLast(isRoomy) ?? [];
};

/** More lines are a wall. */
const MOST_TICKS = 9;

/** `values` are all that has to be in sight. */
const logAxis = (
  field: string,
  title: string,
  values: readonly number[],
  pixels: number,
  labelPixels: number,
) => {
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...positive) / ROOM, Math.max(...positive) * ROOM];
  const apart = (high / low) ** (labelPixels / pixels);
  return {
    field,
    type: "quantitative",
    scale: { type: "log", domain: [low, high], nice: false },
    axis: { title, labelExpr: NUMBER_LABELS, values: logTicks(low, high, apart) },
  };
};

export const WIDTH_PIXELS = 760;

export const logAcross = (field: string, title: string, values: readonly number[]) =>
  logAxis(field, title, values, WIDTH_PIXELS, LABEL_WIDTH_PIXELS);

export const logUp = (field: string, title: string, values: readonly number[], heightPixels: number) =>
  logAxis(field, title, values, heightPixels, LABEL_HEIGHT_PIXELS);

export const linearAxis = (field: string, title: string, isFromZero = true) => ({
  field,
  type: "quantitative",
  scale: { zero: isFromZero, nice: true },
  axis: { title, labelExpr: NUMBER_LABELS, tickCount: 4 },
});

/** A dashed line across, with its name beside the right end, where no curve runs. */
export const boundLine = (y: number, text: string) => [
  {
    data: { values: [{ y }] },
    mark: { type: "rule", strokeDash: [6, 4], strokeWidth: 1.25, color: "var(--bound)" },
    encoding: { y: { field: "y", type: "quantitative" } },
  },
  {
    data: { values: [{ y, text }] },
    mark: { type: "text", align: "left", baseline: "middle", dx: 6, color: "var(--bound)" },
    encoding: {
      x: { value: "width" },
      y: { field: "y", type: "quantitative" },
      text: { field: "text" },
    },
  },
];
