/** A small load by every mode at once, and what became of it. */
import type { Api } from "../api.ts";
import { byId, make, onChange, openRows, type Row, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { LOAD_SECONDS, type Load } from "../load.ts";
import { openLoader } from "../loader.ts";
import type { Model, Part } from "../model.ts";
import { whyOff } from "./journey.ts";
import { markOf } from "./lane.ts";

type Outcome = { readonly mode: string; readonly load: Load; readonly model: Model };

export const openLoad = (api: Api, repaint: () => void): Part => {
  const button = byId<HTMLButtonElement>("load");
  const slider = byId<HTMLInputElement>("load-rate");
  const [output, text] = [byId("load-output"), byId("load-text")];
  const [progress, spoken] = [byId("load-progress"), byId("load-spoken")];
  const explained = text.textContent ?? "";
  const drawOutcomes = openRows(byId("load-outcomes"), makeOutcome, ({ mode }: Outcome) => mode);
  const loader = openLoader(api, repaint);
  let model: Model | null = null;

  button.addEventListener("click", () => {
    const setup = model?.setup ?? null;
    if (loader.isRunning()) loader.stop();
    else if (setup !== null) loader.start(setup, Number(slider.value));
  });
  slider.addEventListener("input", repaint);
  /** Only once it is known: a slider that was narrow for a moment forgets its value. */
  const bound = onChange((most: number) => {
    if (most > 0) slider.max = String(most);
  });
  const speak = onChange((isRunning: boolean) => {
    if (isRunning) setText(spoken, `The load has begun and lasts ${LOAD_SECONDS} seconds.`);
    else if (loader.loads().size > 0) setText(spoken, "The load has ended.");
  });
  return {
    draw: (next) => {
      model = next;
      bound(next.setup?.page_orders_per_second ?? 0);
      const off = whyOff(next);
      const isRunning = loader.isRunning();
      button.disabled = off !== null && !isRunning;
      slider.disabled = off !== null || isRunning;
      setText(button, isRunning ? "Stop" : "Start");
      setText(text, off ?? explained);
      setText(output, next.formats.count(Number(slider.value)));
      progress.hidden = !isRunning;
      progress.style.setProperty("--reached", `${(loader.progress() * 100).toFixed(1)}%`);
      drawOutcomes([...loader.loads()].map(([mode, load]) => ({ mode, load, model: next })));
      speak(isRunning);
    },
  };
};

const makeOutcome = (): Row<Outcome> => {
  const [mark, told] = [make("span"), make("span")];
  let drawnMode = "";
  return {
    element: make("li", {}, mark, told),
    fill: ({ mode, load, model }) => {
      if (drawnMode !== mode) {
        drawnMode = mode;
        mark.replaceChildren(markOf(mode));
      }
      told.className = load.refused + load.unsure > 0 ? "trouble" : "";
      setText(told, `${mode}: ${outcomeText(load, model.formats)}`);
    },
  };
};

const outcomeText = ({ accepted, refused, unsure, dropped, reason }: Load, formats: Formats): string => {
  const parts = [`${formats.count(accepted)} accepted`];
  if (refused > 0) parts.push(`${formats.count(refused)} refused`);
  if (unsure > 0) parts.push(`${formats.count(unsure)} not confirmed`);
  if (dropped > 0) parts.push(`${formats.count(dropped)} not sent, to let the server be`);
  return `${parts.join(", ")}.${reason === null ? "" : ` ${reason}`}`;
};
