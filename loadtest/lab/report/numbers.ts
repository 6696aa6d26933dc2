/** How reports write numbers: three significant digits at most, whole numbers in full, always with a unit. */

/** 1320 is "1 320", with a narrow no-break space. */
export const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return "∞";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const [whole = "", part = ""] = size.toFixed(digits).split(".");
  const fraction = part.replace(/0+$/, "");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const sign = value < 0 && Number(`${whole}.${part}`) !== 0 ? "−" : "";
  return `${sign}${grouped}${fraction === "" ? "" : `.${fraction}`}`;
};

/** A no-break space keeps the unit with its number. */
export const withUnit = (value: number, unit: string): string => `${numberText(value)}\u00a0${unit}`;

export const secondsText = (seconds: number): string => withUnit(seconds, "s");
export const msText = (ms: number): string => (ms >= 10_000 ? secondsText(ms / 1_000) : withUnit(ms, "ms"));
export const mebibytesText = (bytes: number): string => withUnit(bytes / 2 ** 20, "MiB");
export const percentText = (share: number): string => withUnit(share * 100, "%");
/** "1.5×" */
export const timesText = (ratio: number): string => `${numberText(ratio)}×`;

export const sizeText = (ordersPerRequest: number): string =>
  ordersPerRequest === 1 ? "single orders" : `${numberText(ordersPerRequest)} orders per request`;
