import { byId, onChange, openChanges, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { isHeard, type Model, type Part } from "../model.ts";
import { freshnessQuantile, PACE_SECONDS, type Paces } from "../pace.ts";
import { type Lane, openLane } from "./lane.ts";
import { type Cells, openTable } from "./table.ts";

/** Rows of the table: one for so many seconds. */
const TABLE_STEP_SECONDS = 10;
/** Figures that change ten times a second cannot be read. */
const DRAW_EVERY_MS = 1_000;

/** The modes in lanes, all on one scale, and in a sentence: both of the same moment. */
export const openRace = (): Part => {
  const [list, empty, summary] = [byId("lanes"), byId("lanes-empty"), byId("race-summary")];
  const table = openTable(byId("race-details"));
  const lanes = new Map<string, Lane>();
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const isOther = openChanges();

  /** One for each mode that runs, in the order of their names. */
  const arrange = onChange((modes: readonly string[]) => {
    for (const mode of [...lanes.keys()].filter((each) => !modes.includes(each))) lanes.delete(mode);
    for (const mode of modes) if (!lanes.has(mode)) lanes.set(mode, openLane(mode));
    list.replaceChildren(...modes.flatMap((mode) => lanes.get(mode)?.element ?? []));
  });
  const drawLanes = (model: Model): void => {
    const { paces, modes, formats } = model;
    const seconds = secondsUntil(paces.atMs);
    const rates = Object.values(paces.modes).flatMap(({ ticks }) => ticks.map(({ rate }) => rate ?? 0));
    const most = Math.max(0, ...rates);
    for (const lane of lanes.values()) lane.draw(model, seconds, most);
    setText(summary, raceSummary(model));
    table.offer(modes.join(), () => tableOf(paces, modes, seconds, formats));
  };
  return {
    draw: (model) => {
      if (model.all === null) return;
      const { modes, setup, away, formats, raceStatus } = model;
      const isDue = performance.now() - drawnAtMs >= DRAW_EVERY_MS;
      if (!isOther(modes, setup, away, formats, raceStatus.phase) && !isDue) return;
      drawnAtMs = performance.now();
      empty.hidden = true;
      arrange(modes);
      drawLanes(model);
    },
    recolour: () => {
      for (const lane of lanes.values()) lane.recolour();
    },
  };
};

const secondsUntil = (atMs: number): number[] => {
  const last = Math.floor(atMs / 1_000);
  return Array.from({ length: PACE_SECONDS }, (_, index) => last - PACE_SECONDS + 1 + index);
};

const raceSummary = (model: Model): string => {
  const { paces, modes, formats } = model;
  const medians = modes
    .map((mode) => ({ mode, ms: median(paces, mode) }))
    .filter((each): each is { mode: string; ms: number } => each.ms !== null)
    .sort((a, b) => a.ms - b.ms);
  const order = medians.map(({ mode, ms }) => `${mode} ${formats.span(ms)}`).join(", ");
  if (order !== "") return `Freshest first, by the median: ${order}.`;
  return isHeard(model)
    ? "This page has heard of nothing counted in the last minute."
    : "What was counted in the last minute is not known.";
};

const median = (paces: Paces, mode: string): number | null => {
  const pace = paces.modes[mode];
  return pace === undefined ? null : freshnessQuantile(pace, 0.5, paces.atMs);
};

const tableOf = (
  { modes: paces }: Paces,
  modes: readonly string[],
  seconds: readonly number[],
  formats: Formats,
): Cells => {
  const shown = seconds.filter((second) => second % TABLE_STEP_SECONDS === 0).toReversed();
  const rateAt = (mode: string, second: number): string => {
    const tick = paces[mode]?.ticks.find(({ atMs }) => Math.abs(atMs / 1_000 - second) <= 1);
    return tick?.rate == null ? "–" : formats.perSecond(tick.rate);
  };
  return {
    of: modes.join(),
    caption: `As of ${formats.clock((seconds.at(-1) ?? 0) * 1_000)}`,
    head: ["At", "UTC", ...modes.map((mode) => `${mode}, per second`)],
    rows: shown.map((second) => ({
      key: String(second),
      cells: [
        formats.clock(second * 1_000),
        formats.utc(second * 1_000),
        ...modes.map((mode) => rateAt(mode, second)),
      ],
    })),
  };
};
