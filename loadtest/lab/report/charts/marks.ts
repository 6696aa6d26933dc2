/** What the charts share: the style of each mode, axes, curves and stacked panels. */

/** Colour, dash and marker: a mode can be recognised without colour. */
type Style = {
  readonly name: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly shape: string;
};

export const [ALL_READ, SOME_SLOW] = ["all clients read", "some clients are slow"];

const STYLES: Readonly<Record<string, Style>> = {
  v1: { name: "v1 · PostgreSQL", color: "var(--v1)", dash: [1, 0], shape: "circle" },
  v2: { name: "v2 · Redis Streams", color: "var(--v2)", dash: [9, 4], shape: "square" },
  v3: { name: "v3 · Kafka", color: "var(--v3)", dash: [3, 3], shape: "triangle-up" },
  "v1-each": {
    name: "v1, one INSERT per request",
    color: "var(--other)",
    dash: [12, 3, 2, 3],
    shape: "diamond",
  },
  null: { name: "null route · no backend", color: "var(--none)", dash: [1, 4], shape: "cross" },
  [ALL_READ]: { name: ALL_READ, color: "var(--v1)", dash: [1, 0], shape: "circle" },
  [SOME_SLOW]: { name: SOME_SLOW, color: "var(--v2)", dash: [9, 4], shape: "square" },
};
const UNKNOWN = { color: "var(--soft)", dash: [5, 2, 1, 2], shape: "triangle-down" };

export const modeName = (mode: string): string => STYLES[mode]?.name ?? mode;

const known = Object.keys(STYLES);
const placeOf = (mode: string): number => (known.includes(mode) ? known.indexOf(mode) : known.length);

/** Each mode once, in the order of every table and chart; unknown ones last. */
export const inOrder = (modes: Iterable<string>): string[] =>
  [...new Set(modes)].sort((a, b) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1));

/** Colour, dash and marker of the field `mode`, with one legend. */
export const modeChannels = (modes: readonly string[]) => {
  const styles = modes.map((mode) => STYLES[mode] ?? UNKNOWN);
  const field = { field: "mode", type: "nominal" };
  const scaled = (range: readonly unknown[]) => ({ ...field, scale: { domain: modes, range } });
  const names = JSON.stringify(Object.fromEntries(modes.map((mode) => [mode, modeName(mode)])));
  const legend = { labelExpr: `${names}[datum.value]`, values: modes };
  return {
    color: { ...scaled(styles.map(({ color }) => color)), legend },
    // with a legend of its own, the markers would be drawn with the dash
    strokeDash: { ...scaled(styles.map(({ dash }) => dash)), legend: null },
    shape: { ...scaled(styles.map(({ shape }) => shape)), legend },
  };
};

export const WIDTH_PIXELS = 760;

type Channels = ReturnType<typeof modeChannels>;
type Encoding = Readonly<Record<string, unknown>>;

/** A line for each mode. */
export const lineLayer = (
  x: Encoding,
  y: Encoding,
  { color, strokeDash }: Channels,
  strokeWidth?: number,
) => ({
  mark: { type: "line", ...(strokeWidth === undefined ? {} : { strokeWidth }) },
  encoding: { x, y, color, strokeDash },
});

/** A marker for each row that passes the filter, an expression of Vega. Hollow markers have the colour of the surface. */
export const markerLayer = (
  x: Encoding,
  y: Encoding,
  { color, shape }: Channels,
  { size = 62, filter, isHollow = false }: { size?: number; filter?: string; isHollow?: boolean } = {},
) => ({
  ...(filter === undefined ? {} : { transform: [{ filter }] }),
  mark: {
    ...{ type: "point", size, strokeWidth: 2, strokeDash: [1, 0], opacity: 1 },
    ...(isHollow ? { fill: "var(--surface)", filled: false } : { filled: true }),
  },
  encoding: { x, y, color, shape },
});

/** "0.5", "200", "1k", "2.5k": without exponents. */
const NUMBER_LABELS = "abs(datum.value) < 1000 ? format(datum.value, '~g') : format(datum.value, '~s')";
/** An axis extends a little below the lowest and above the highest value. */
const ROOM = 1.12;
const TICKS = [
  [1],
  [1, 3],
  [1, 2, 5],
  [1, 1.5, 2, 3, 5, 7],
  [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9],
] as const;
const MOST_TICKS = 9;
/** What a label needs along a horizontal and a vertical axis. */
const [LABEL_WIDTH_PIXELS, LABEL_HEIGHT_PIXELS] = [44, 19];

/** Round numbers for a logarithmic axis: as many as fit when each is at least `apart` times the previous one. */
export const logTicks = (low: number, high: number, apart: number): number[] => {
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first + 1;
  const decades = Array.from({ length: count }, (_, index) => 10 ** (first + index));
  const choices = TICKS.map((steps) =>
    decades
      .flatMap((decade) => steps.map((step) => Number((step * decade).toPrecision(2))))
      .filter((tick) => tick >= low && tick <= high),
  );
  const fits = (ticks: readonly number[]): boolean =>
    ticks.length <= MOST_TICKS &&
    ticks.every((tick, index) => index === 0 || tick / (ticks[index - 1] ?? tick) >= apart);
  return choices.findLast(fits) ?? [];
};

/** An axis on which all `values` are visible; horizontal without a height. */
export const logAxis = (field: string, title: string, values: readonly number[], heightPixels?: number) => {
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...positive) / ROOM, Math.max(...positive) * ROOM];
  const labels = heightPixels ? heightPixels / LABEL_HEIGHT_PIXELS : WIDTH_PIXELS / LABEL_WIDTH_PIXELS;
  return {
    field,
    type: "quantitative",
    scale: { type: "log", domain: [low, high], nice: false },
    axis: { title, labelExpr: NUMBER_LABELS, values: logTicks(low, high, (high / low) ** (1 / labels)) },
  };
};

export const linearAxis = (field: string, title: string) => ({
  field,
  type: "quantitative",
  scale: { zero: true, nice: true },
  axis: { title, labelExpr: NUMBER_LABELS, tickCount: 4 },
});

/** A dashed horizontal line, with its name at the right end, where no curve is. */
export const boundLine = (y: number, text: string) => {
  const atY = { field: "y", type: "quantitative" };
  return [
    {
      data: { values: [{ y }] },
      mark: { type: "rule", strokeDash: [6, 4], strokeWidth: 1.25, color: "var(--bound)" },
      encoding: { y: atY },
    },
    {
      data: { values: [{ y, text }] },
      mark: { type: "text", align: "left", baseline: "middle", dx: 6, color: "var(--bound)" },
      encoding: { x: { value: "width" }, y: atY, text: { field: "text" } },
    },
  ];
};

/** Views one below the other, over one horizontal axis. */
export const stacked = (rows: readonly unknown[], views: readonly unknown[]) => ({
  spacing: 34,
  resolve: { scale: { color: "shared", strokeDash: "shared", shape: "shared" } },
  data: { values: rows },
  vconcat: views,
});
