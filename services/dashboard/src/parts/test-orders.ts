/** Orders that the page sends itself: one through each mode, timed until it is shown here, or a small load. */
import type { Api } from "../api.ts";
import { byId, make, onChange, openChanges, openRows, type Row, setText } from "../dom.ts";
import type { Formats } from "../format.ts";
import { LOAD_SECONDS, type Load, openLoadSender } from "../load.ts";
import { isReceiving, type Model, type Part } from "../model.ts";
import { markOf, styleOf } from "../theme.ts";
import { isOver, openTimedOrders, orderText, reachedMs, scaleFor, type TimedOrder } from "../timed-orders.ts";

export const openOneOrder = (api: Api, repaint: () => void): Part => {
  const [button, text, spoken] = [byId<HTMLButtonElement>("send"), byId("send-text"), byId("send-spoken")];
  const drawTracks = openTracks();
  const timed = openTimedOrders(api, repaint);
  const explanation = text.textContent ?? "";
  let model: Model | null = null;
  let wasRunning = false;

  button.addEventListener("click", () => {
    const { setup = null, all = null } = model ?? {};
    if (setup === null || all === null || timed.isRunning()) return;
    setText(spoken, "Sent");
    timed.send(setup, Date.parse(all.server_timestamp));
  });
  const speak = (isRunning: boolean, next: Model): void => {
    if (wasRunning && !isRunning) {
      const texts = [...timed.orders()].map(
        ([mode, order]) => `${mode}: ${orderText(order, isReceiving(next), next.formats.span)}`,
      );
      setText(spoken, texts.join(" "));
    }
    wasRunning = isRunning;
  };
  return {
    // not in draw: a hidden page receives frames and draws nothing
    onDashboard: ({ recent_orders }) => timed.onRecent(recent_orders),
    draw: (next) => {
      model = next;
      const isRunning = timed.isRunning();
      const disabled = whyDisabled(next);
      button.disabled = disabled !== null;
      // a disabled button would lose the focus
      button.ariaDisabled = String(isRunning);
      setText(text, disabled ?? explanation);
      drawTracks(timed.orders(), next, performance.now());
      speak(isRunning, next);
    },
  };
};

/** A sentence why the page may not send orders; null when it may. */
const whyDisabled = ({ setup, setupProblem, all, allStatus }: Model): string | null => {
  if (setupProblem !== null) return `Orders cannot be sent: ${setupProblem}`;
  if (setup === null || all === null) return "Waiting for the server.";
  if (allStatus.phase === "disconnected") return "Orders cannot be sent while the server is disconnected.";
  if (setup.page_orders_per_second > 0) return null;
  return "This server accepts no orders from its page. npm start allows them; elsewhere set PAGE_ORDERS_PER_SECOND.";
};

type DrawTracks = (orders: ReadonlyMap<string, TimedOrder>, model: Model, nowMs: number) => void;

type Track = {
  readonly mode: string;
  /** Null before the first order: then the track is empty. */
  readonly order: TimedOrder | null;
  readonly scaleMs: number;
  readonly nowMs: number;
  readonly model: Model;
};

/** The progress of each order as a bar, all on one time scale. */
const openTracks = (): DrawTracks => {
  const drawRows = openRows(byId("tracks"), makeTrack, ({ mode }: Track) => mode);
  const [axis, legend] = [byId("tracks-axis"), byId("tracks-legend")];
  const [half, full] = [byId("tracks-half"), byId("tracks-full")];
  const hasChanged = openChanges();
  return (orders, model, nowMs) => {
    const all = [...orders.values()];
    // the bar of a pending order grows with time
    if (!hasChanged(...all, model.modes, model.formats, isReceiving(model)) && all.every(isOver)) return;
    const scaleMs = scaleFor(Math.max(0, ...all.map((order) => reachedMs(order, nowMs))));
    const modes = orders.size > 0 ? [...orders.keys()] : model.modes;
    drawRows(modes.map((mode) => ({ mode, order: orders.get(mode) ?? null, scaleMs, nowMs, model })));
    axis.hidden = modes.length === 0;
    legend.hidden = modes.length === 0;
    setText(half, model.formats.span(scaleMs / 2));
    setText(full, model.formats.span(scaleMs));
  };
};

const makeTrack = (): Row<Track> => {
  const [name, outcome, ack, show] = [make("span"), make("span"), make("span"), make("span")];
  name.className = "name";
  outcome.className = "outcome";
  ack.className = "ack";
  show.className = "show";
  const track = make("span", { class: "track", "aria-hidden": "true" }, show, ack);
  const setLength = (bar: HTMLElement, share: number): void =>
    bar.style.setProperty("--reached", `${Math.min(100, share * 100).toFixed(2)}%`);
  let drawnMode = "";
  return {
    element: make("li", {}, name, track, outcome),
    fill: ({ mode, order, scaleMs, nowMs, model }) => {
      if (drawnMode !== mode) {
        drawnMode = mode;
        name.replaceChildren(markOf(mode), mode);
        track.style.color = `var(--${styleOf(mode).colour})`;
      }
      setLength(ack, (order?.acknowledged?.ms ?? 0) / scaleMs);
      setLength(show, order === null ? 0 : reachedMs(order, nowMs) / scaleMs);
      outcome.dataset["tone"] = order === null ? "" : toneOf(order);
      setText(outcome, order === null ? "" : orderText(order, isReceiving(model), model.formats.span));
    },
  };
};

/** A doubt is a warning: the order may have been accepted. */
const toneOf = ({ rejection, shownMs, doubt, isTimedOut }: TimedOrder): string => {
  if (rejection !== null) return "trouble";
  return shownMs === null && (doubt !== null || isTimedOut) ? "warning" : "";
};

export const openLoad = (api: Api, repaint: () => void): Part => {
  const button = byId<HTMLButtonElement>("load");
  const slider = byId<HTMLInputElement>("load-rate");
  const [output, text] = [byId("load-output"), byId("load-text")];
  const [progress, spoken] = [byId("load-progress"), byId("load-spoken")];
  const explanation = text.textContent ?? "";
  const drawOutcomes = openRows(byId("load-outcomes"), makeLoadRow, ({ mode }: LoadRow) => mode);
  const sender = openLoadSender(api, repaint);
  let model: Model | null = null;

  button.addEventListener("click", () => {
    const setup = model?.setup ?? null;
    if (sender.isRunning()) sender.stop();
    else if (setup !== null) sender.start(setup, Number(slider.value));
  });
  slider.addEventListener("input", repaint);
  /** Only a known maximum is set: a lower one would change the slider's value. */
  const setMaximum = onChange((most: number) => {
    if (most > 0) slider.max = String(most);
  });
  const speak = onChange((isRunning: boolean) => {
    if (isRunning) setText(spoken, `Load started, for ${LOAD_SECONDS} seconds.`);
    else if (sender.loads().size > 0) setText(spoken, "Load ended.");
  });
  return {
    draw: (next) => {
      model = next;
      setMaximum(next.setup?.page_orders_per_second ?? 0);
      const disabled = whyDisabled(next);
      const isRunning = sender.isRunning();
      button.disabled = disabled !== null && !isRunning;
      slider.disabled = disabled !== null || isRunning;
      setText(button, isRunning ? "Stop" : "Start");
      setText(text, disabled ?? explanation);
      setText(output, next.formats.count(Number(slider.value)));
      progress.hidden = !isRunning;
      progress.style.setProperty("--reached", `${(sender.progress() * 100).toFixed(1)}%`);
      drawOutcomes([...sender.loads()].map(([mode, load]) => ({ mode, load, model: next })));
      speak(isRunning);
    },
  };
};

type LoadRow = { readonly mode: string; readonly load: Load; readonly model: Model };

const makeLoadRow = (): Row<LoadRow> => {
  const [mark, text] = [make("span"), make("span")];
  let drawnMode = "";
  return {
    element: make("li", {}, mark, text),
    fill: ({ mode, load, model }) => {
      if (drawnMode !== mode) {
        drawnMode = mode;
        mark.replaceChildren(markOf(mode));
      }
      text.className = load.rejected + load.unconfirmed > 0 ? "trouble" : "";
      setText(text, `${mode}: ${loadText(load, model.formats)}`);
    },
  };
};

const loadText = ({ accepted, rejected, unconfirmed, skipped, reason }: Load, formats: Formats): string => {
  const parts = [`${formats.count(accepted)} accepted`];
  if (rejected > 0) parts.push(`${formats.count(rejected)} rejected`);
  if (unconfirmed > 0) parts.push(`${formats.count(unconfirmed)} unconfirmed`);
  if (skipped > 0) parts.push(`${formats.count(skipped)} skipped`);
  return `${parts.join(", ")}.${reason === null ? "" : ` ${reason}`}`;
};
