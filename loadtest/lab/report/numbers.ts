/** How numbers are written, everywhere in a report: a thin choice of digits, and always a unit. */

/** "1 320": three digits are more than most figures here are good for, but whole numbers stay whole. */
export const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return "∞";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  const [whole = "", part = ""] = Math.abs(value).toFixed(digits).split(".");
  const kept = part.replace(/0+$/, "");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const sign = value < 0 && Number(`${whole}.${part}`) !== 0 ? "−" : "";
  return `${sign}${grouped}${kept === "" ? "" : `.${kept}`}`;
};

/** A no-break space keeps the unit with its number. */
export const withUnit = (value: number, unit: string): string => `${numberText(value)}\u00a0${unit}`;

export const msText = (ms: number): string => (ms >= 10_000 ? withUnit(ms / 1_000, "s") : withUnit(ms, "ms"));

export const mebibytesText = (bytes: number): string => withUnit(bytes / 2 ** 20, "MiB");

export const percentText = (share: number): string => withUnit(share * 100, "%");

/** "1.5×" */
export const timesText = (ratio: number): string => `${numberText(ratio)}×`;
