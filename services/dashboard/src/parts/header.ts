/** The header: the filter by mode, the theme, the age of the figures, and a banner for problems. And the footer. */
import type { Phase } from "../../../../shared/client/follow.ts";
import type { Api } from "../api.ts";
import { byId, make, onChange, onChoice, setText } from "../dom.ts";
import type { Model, Part } from "../model.ts";
import { chipText, noticeOf } from "../status-text.ts";
import { markOf, type ThemeSwitch } from "../theme.ts";

export const openHeader = (theme: ThemeSwitch, choose: (mode: string) => void): Part => {
  const filter = byId("filter");
  onChoice(filter, choose);
  openThemeButton(theme);
  const drawStatus = openStatus();

  const options = new Map<string, HTMLElement>();
  const drawModes = onChange((modes: readonly string[]) => {
    for (const [mode, option] of options) if (!modes.includes(mode)) option.remove();
    for (const mode of modes) {
      const option = options.get(mode) ?? optionOf(mode);
      options.set(mode, option);
      if (!option.isConnected) filter.append(option);
    }
  });
  const drawChoice = (mode: string): void => {
    for (const input of filter.querySelectorAll("input")) input.checked = input.value === mode;
  };
  return {
    draw: (model) => {
      drawModes(model.modes);
      drawChoice(model.view.mode);
      drawStatus(model);
    },
  };
};

const openStatus = (): ((model: Model) => void) => {
  const [chip, chipWords] = [byId("chip"), byId("chip-text")];
  const [banner, title, text] = [byId("notice"), byId("notice-title"), byId("notice-text")];
  const spoken = byId("spoken");
  /** Once for each change: a screen reader must not repeat it every second. */
  const speak = onChange((phase: Phase) => {
    if (phase !== "live") setText(spoken, `${title.textContent}. ${text.textContent}`);
    else if (spoken.textContent !== "") setText(spoken, "Live again");
  });
  return ({ status, cause, formats }) => {
    chip.dataset["phase"] = status.phase;
    setText(chipWords, chipText(status, formats));
    const notice = noticeOf(status, Date.now(), formats, cause);
    banner.hidden = notice === null;
    if (notice !== null) {
      banner.dataset["tone"] = notice.tone;
      setText(title, notice.title);
      setText(text, notice.text);
      title.title = formats.utc(notice.sinceMs);
    }
    // a wait that is too short for a banner is not announced
    if (notice !== null || status.phase === "live") speak(status.phase);
  };
};

const optionOf = (mode: string): HTMLElement =>
  make(
    "label",
    {},
    make("input", { type: "radio", name: "mode", value: mode }),
    make("span", {}, markOf(mode), mode),
  );

const openThemeButton = (theme: ThemeSwitch): void => {
  const words = byId("theme-words");
  const draw = (): void => setText(words, `Theme: ${theme.current()}`);
  byId("theme").addEventListener("click", () => {
    theme.next();
    draw();
  });
  draw();
};

const LINKS = { "link-docs": "docs/", "link-ready": "readyz", "link-metrics": "metrics" };

/** The source of the figures, for users who want to verify them. */
export const openFooter = (api: Api): Part => {
  const origin = byId("origin");
  for (const [id, path] of Object.entries(LINKS))
    byId<HTMLAnchorElement>(id).href = new URL(path, api.url).href;
  return {
    draw: ({ shown, formats }) => {
      if (shown?.as_of == null) return;
      const { version, epoch, as_of } = shown;
      const readMs = Date.parse(as_of);
      setText(
        origin,
        `The server read these figures from PostgreSQL at ${formats.clock(readMs)}. This page derives accepted and counted orders per second and medians from them, and measures the times of its own orders.`,
      );
      origin.title = `${formats.utc(readMs)}, board ${version} of epoch ${epoch}`;
    },
  };
};
