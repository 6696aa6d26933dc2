/** Times of day as exports write them: `08:52`, `8.52`, `8h52`, `8:52 p. m.`, `下午2:44`, with a zone behind them. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "#shared/domain/time.ts";
import type { LocalClock } from "#shared/domain/time-zone.ts";
import { zoneNamed } from "./zones.ts";

export type Clock = {
  readonly sinceMidnightMs: number;
  /** Of the zone in the text; null where it has none. */
  readonly zone: LocalClock | null;
};

/** Before noon and after it, without dots and spaces; Chinese, Japanese and Korean write them before the hour. */
const BEFORE_NOON = "am|a|上午|午前|오전|πμ|vorm";
const AFTER_NOON = "pm|p|下午|午後|오후|μμ|nachm";
const HALF =
  "(?:[ap]\\.?\\s?m\\.?|[ap]\\.?(?![a-z])|[πμ]\\.?\\s?μ\\.?|vorm\\.?|nachm\\.?|上午|午前|오전|下午|午後|오후)";

const CLOCK = new RegExp(
  "^(?:klo?\\.?\\s*)?" +
    `(?<before>${HALF})?\\s*` +
    "(?<hour>\\d{1,2})" +
    "(?:\\s?[:.h\uFF1A時时点點시]\\s?(?<minute>\\d{2})(?:\\s?[:.m\uFF1A'′分분]\\s?(?<second>\\d{2})(?:[.,](?<fraction>\\d{1,9}))?)?)?" +
    "(?<unit>\\s?(?:h|uhr|hrs|分|분|秒|초|時|时|点|點|시)(?![a-z]))?\\s*" +
    `(?<after>${HALF})?\\s*` +
    "(?<zone>.*)$",
  "iu",
);
/** `0852` and `085211`, which some tills write. */
const DIGITS = /^(\d{2})(\d{2})(\d{2})?$/;

/** A clock, null for an unknown form; throws nothing. An unknown zone behind a known time is a problem of its own. */
export const clockOf = (text: string): Clock | null | { readonly problem: string } => {
  if (text === "") return { sinceMidnightMs: 0, zone: null };
  const digits = DIGITS.exec(text);
  const { before, hour, minute, second, fraction, unit, after, zone } =
    CLOCK.exec(digits ? `${digits[1]}:${digits[2]}:${digits[3] ?? "00"}` : text)?.groups ?? {};
  const half = halfOf(before ?? after ?? "");
  // a bare number is no time
  if (hour === undefined || (minute === undefined && half === null && unit === undefined)) return null;
  // 00:15 AM is wrong and clear
  const isHour = half ? Number(hour) >= (half === "a" ? 0 : 1) && Number(hour) <= 12 : Number(hour) <= 23;
  // some tills write PM behind the 24 hours of a day
  const isRedundant = half === "p" && Number(hour) > 12 && Number(hour) <= 23;
  if ((!isHour && !isRedundant) || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) return null;
  const hourOfDay = half && !isRedundant ? (Number(hour) % 12) + (half === "p" ? 12 : 0) : Number(hour);
  const fractionMs = Math.floor(Number(`0.${fraction ?? 0}`) * SECOND_MS);
  const sinceMidnightMs =
    hourOfDay * HOUR_MS + Number(minute ?? 0) * MINUTE_MS + Number(second ?? 0) * SECOND_MS + fractionMs;
  if (!zone) return { sinceMidnightMs, zone: null };
  const named = zoneIn(zone);
  return named
    ? { sinceMidnightMs, zone: named }
    : { problem: `the time zone "${zone.slice(0, 40)}" is not known` };
};

const halfOf = (text: string): "a" | "p" | null => {
  const half = text.toLowerCase().replaceAll(/[.\s]/g, "");
  if (BEFORE_NOON.split("|").includes(half)) return "a";
  return AFTER_NOON.split("|").includes(half) ? "p" : null;
};

/** `-04:00[America/New_York]` and `(EST)` too. */
const zoneIn = (text: string): LocalClock | null => {
  const [, offset, name] = /^([^[]*)(?:\[(.*)\])?$/.exec(text) ?? [];
  // JavaScript writes GMT-0500 (Eastern Standard Time), others (EST) alone
  const plain = (offset ?? "").replace(/(?<=\S)\s*\(.*\)$/, "");
  return zoneNamed(plain || name || "") ?? zoneNamed(text.replace(/^\((.*)\)$/, "$1"));
};
