/** How far each order has come, on one scale of time. */
import { byId, make, openChanges, openRows, type Row, setText } from "../dom.ts";
import { isOver, type Journey, journeyText, reachedMs, scaleFor } from "../journey.ts";
import { isHeard, type Model } from "../model.ts";
import { lookOf } from "../modes.ts";
import { markOf } from "./lane.ts";

export type Tracks = {
  draw(journeys: ReadonlyMap<string, Journey>, model: Model, nowMs: number): void;
};

type Drawn = {
  readonly mode: string;
  /** Null while none was sent: then there is the track alone. */
  readonly journey: Journey | null;
  readonly scaleMs: number;
  readonly nowMs: number;
  readonly model: Model;
};

export const openTracks = (): Tracks => {
  const drawRows = openRows(byId("tracks"), makeTrack, ({ mode }: Drawn) => mode);
  const [axis, legend, half, full] = ["tracks-axis", "tracks-legend", "tracks-half", "tracks-full"].map(
    (id) => byId(id),
  );
  const isOther = openChanges();
  return {
    draw: (journeys, model, nowMs) => {
      const all = [...journeys.values()];
      // what is on its way moves with the time alone
      if (!isOther(...all, model.modes, model.formats, isHeard(model)) && all.every(isOver)) return;
      const scaleMs = scaleFor(Math.max(0, ...all.map((journey) => reachedMs(journey, nowMs))));
      const modes = journeys.size > 0 ? [...journeys.keys()] : model.modes;
      drawRows(modes.map((mode) => ({ mode, journey: journeys.get(mode) ?? null, scaleMs, nowMs, model })));
      if (axis) axis.hidden = modes.length === 0;
      if (legend) legend.hidden = modes.length === 0;
      if (half) setText(half, model.formats.span(scaleMs / 2));
      if (full) setText(full, model.formats.span(scaleMs));
    },
  };
};

const makeTrack = (): Row<Drawn> => {
  const [who, told, ack, show] = [make("span"), make("span"), make("span"), make("span")];
  who.className = "who";
  told.className = "told";
  ack.className = "ack";
  show.className = "show";
  const track = make("span", { class: "track", "aria-hidden": "true" }, show, ack);
  const element = make("li", {}, who, track, told);
  const reach = (part: HTMLElement, share: number): void =>
    part.style.setProperty("--reached", `${Math.min(100, share * 100).toFixed(2)}%`);
  let drawnMode = "";
  return {
    element,
    fill: ({ mode, journey, scaleMs, nowMs, model }) => {
      if (drawnMode !== mode) {
        drawnMode = mode;
        who.replaceChildren(markOf(mode), mode);
        track.style.color = `var(--${lookOf(mode).colour})`;
      }
      reach(ack, (journey?.acknowledged?.ms ?? 0) / scaleMs);
      reach(show, journey === null ? 0 : reachedMs(journey, nowMs) / scaleMs);
      told.dataset["tone"] = journey === null ? "" : toneOf(journey);
      setText(told, journey === null ? "" : journeyText(journey, isHeard(model), model.formats.span));
    },
  };
};

/** A doubt is no refusal. */
const toneOf = ({ refusal, shownMs, doubt, isGivenUp }: Journey): string => {
  if (refusal !== null) return "trouble";
  return shownMs === null && (doubt !== null || isGivenUp) ? "warning" : "";
};
