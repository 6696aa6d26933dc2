import type { Phase } from "../../../../shared/client/status.ts";
import { byId, make, onChange, onChoice, setText } from "../dom.ts";
import { chipText, noticeOf } from "../honesty.ts";
import type { Model, Part } from "../model.ts";
import type { ThemeSwitch } from "../theme.ts";
import { markOf } from "./lane.ts";

/** The filter, the theme, and in sight always: how old the figures are, and what is wrong. */
export const openHeader = (theme: ThemeSwitch, choose: (mode: string) => void): Part => {
  const [chip, chipWords] = [byId("chip"), byId("chip-text")];
  const [notice, title, text] = [byId("notice"), byId("notice-title"), byId("notice-text")];
  const spoken = byId("spoken");
  const filter = byId("filter");
  onChoice(filter, choose);
  openThemeButton(theme);

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
  /** Once for each change, not once a second. */
  const speak = onChange((phase: Phase) => {
    if (phase !== "live") setText(spoken, `${title.textContent}. ${text.textContent}`);
    else if (spoken.textContent !== "") setText(spoken, "Live again");
  });
  const drawStatus = ({ status, cause, formats }: Model): void => {
    chip.dataset["phase"] = status.phase;
    setText(chipWords, chipText(status, formats));
    const told = noticeOf(status, Date.now(), formats, cause);
    notice.hidden = told === null;
    if (told !== null) {
      notice.dataset["tone"] = told.tone;
      setText(title, told.title);
      setText(text, told.text);
      title.title = formats.utc(told.sinceMs);
    }
    // a wait that is too short to be told of is no news
    if (told !== null || status.phase === "live") speak(status.phase);
  };
  return {
    draw: (model) => {
      drawModes(model.modes);
      drawChoice(model.view.mode);
      drawStatus(model);
    },
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
  const tell = (): void => setText(words, `Theme: ${theme.current()}`);
  byId("theme").addEventListener("click", () => {
    theme.next();
    tell();
  });
  tell();
};
