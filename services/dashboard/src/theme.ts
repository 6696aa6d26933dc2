/** Colours: the light, dark or system theme, the theme's colours for canvases, and the colour and shape of each mode. */
import { make } from "./dom.ts";

const KEY = "coffee-rt:theme";
const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export type ThemeSwitch = { current(): Theme; next(): Theme };

export const openTheme = (onChange: () => void): ThemeSwitch => {
  const root = document.documentElement;
  const current = (): Theme => THEMES.find((theme) => theme === root.dataset["theme"]) ?? "auto";
  const changed = (): void => {
    colours.clear();
    onChange();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  return {
    current,
    next: () => {
      const theme = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length] ?? "auto";
      if (theme === "auto") delete root.dataset["theme"];
      else root.dataset["theme"] = theme;
      store(theme);
      changed();
      return theme;
    },
  };
};

const store = (theme: Theme): void => {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // storage is disabled: the theme lasts until the page is closed
  }
};

/** By name, of the current theme: reading one costs a style recalculation, and charts read them at every draw. */
const colours = new Map<string, string>();

/** The value of a colour variable for a canvas, which does not know `light-dark()`. */
export const colour = (name: string): string => {
  const known = colours.get(name);
  if (known !== undefined) return known;
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  colours.set(name, color);
  return color;
};

/** Colours that colour-blind users can distinguish, and shapes and dashes that need no colour. */
export type ModeStyle = { readonly colour: string; readonly shape: string; readonly dash: readonly number[] };

const FIRST: ModeStyle = { colour: "mode-1", shape: "circle", dash: [] };
const MODE_STYLES: readonly ModeStyle[] = [
  FIRST,
  { colour: "mode-2", shape: "diamond", dash: [8, 4] },
  { colour: "mode-3", shape: "triangle", dash: [2, 3] },
  { colour: "mode-4", shape: "square", dash: [8, 3, 2, 3] },
];

/** By the mode's name only, so that a mode has the same style whichever modes run: by its number, else by its letters. */
export const styleOf = (mode: string): ModeStyle => MODE_STYLES[numberOf(mode) % MODE_STYLES.length] ?? FIRST;

const numberOf = (mode: string): number => {
  const version = /^v([1-9]\d?)$/.exec(mode)?.[1];
  if (version !== undefined) return Number(version) - 1;
  return [...mode].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
};

/** The mode's shape in its colour, shown before its name. */
export const markOf = (mode: string): HTMLElement => {
  const style = styleOf(mode);
  const mark = make("i", { class: `shape ${style.shape}`, "aria-hidden": "true" });
  mark.style.color = `var(--${style.colour})`;
  return mark;
};
