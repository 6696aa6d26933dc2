/** Light, dark, or as the system has it; and colours that canvases need to be told. */

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
      remember(theme);
      changed();
      return theme;
    },
  };
};

const remember = (theme: Theme): void => {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // storage is off: it holds until the page is left
  }
};

/** Of the present theme: to ask the browser for one costs a layout of styles, and charts ask at every draw. */
const colours = new Map<string, string>();

/** As a canvas understands it: what `light-dark()` comes to now. */
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
