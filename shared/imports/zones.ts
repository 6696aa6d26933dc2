/** The names under which tills write time zones. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "#shared/domain/time.ts";
import { type LocalClock, openClock } from "#shared/domain/time-zone.ts";
import { bare } from "./words.ts";
import { ZONE_ABBREVIATIONS, ZONE_NAMES } from "./zone-names.ts";

const fixedClock = (offsetMs: number): LocalClock => ({
  toUtc: (localMs) => localMs - offsetMs,
  oddityOf: () => null,
});

/** IANA names by the names of ZONE_NAMES and by the cities of IANA's own names. */
const ianaByName = new Map([
  ...Intl.supportedValuesOf("timeZone").map((iana) => [bare(iana.split("/").at(-1) ?? ""), iana] as const),
  ...ZONE_NAMES.trim()
    .split("\n")
    .flatMap((line) => {
      const [iana = "", names = ""] = line.split(": ");
      return names.split(" | ").map((name) => [bare(name), iana] as const);
    }),
]);

const OFFSET = /^(?:utc|gmt)?\s*(?<sign>[+\-\u2212])(?<hours>\d{1,2})(?::?(?<minutes>[0-5]\d))?$/i;
/** "(UTC-05:00) Eastern Time (US & Canada)": the name knows about summer, the offset does not. */
const OFFSET_BEFORE_NAME = /^\((?:utc|gmt)[^)]*\)\s*(?=\S)/i;

/** More names than the world has zones are no names of zones. */
const MAX_TEXTS = 1_000;
const zonesByText = new Map<string, LocalClock | null>();

/**
 * The zone of a text such as `-05:00`, `EST`, `Eastern Time (US & Canada)`, `W. Europe Standard Time`, `Berlin` or
 * `Europe/Berlin`; null for any other. Texts are remembered, since every row of a file has one.
 */
export const zoneNamed = (text: string): LocalClock | null => {
  const known = zonesByText.get(text);
  if (known !== undefined) return known;
  const zone = findZone(text.trim());
  if (zonesByText.size < MAX_TEXTS) zonesByText.set(text, zone);
  return zone;
};

const findZone = (text: string): LocalClock | null => {
  const offset = OFFSET.exec(text)?.groups;
  if (offset) {
    const ms = Number(offset["hours"]) * HOUR_MS + Number(offset["minutes"] ?? 0) * MINUTE_MS;
    return ms >= DAY_MS ? null : fixedClock(offset["sign"] === "+" ? ms : -ms);
  }
  const hours = ZONE_ABBREVIATIONS[text.toLowerCase()];
  if (hours !== undefined) return fixedClock(hours * HOUR_MS);
  const name = text.replace(OFFSET_BEFORE_NAME, "");
  const iana = ianaByName.get(bare(name));
  if (iana === undefined && !/^[A-Z]\w+\/[A-Z]/.test(name)) return null;
  try {
    return openClock(iana ?? name);
  } catch {
    // a name with a slash that is no IANA zone
    return null;
  }
};
