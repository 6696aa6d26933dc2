/** Names of months and days of the week in the languages of tills, by the runtime's own data. */
import { DAY_MS } from "#shared/domain/time.ts";

/** Croatian is left out: its listopad is October, that of Polish and Czech is November. */
const LANGUAGES = "en de fr es it pt nl sv da nb fi pl cs sk sl hu ro tr et lv lt is id ms ru uk bg el";
/** A Monday of January, to which days and months are added. */
const MONDAY_MS = Date.UTC(2024, 0, 1);

const letters = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}]/gu, "");

type Part = "month" | "weekday";

/** Names in the forms of each language: alone and in a date, whole and abbreviated. */
const formatsOf = (part: Part): Intl.DateTimeFormat[] =>
  LANGUAGES.split(" ").flatMap((language) =>
    (["long", "short"] as const).flatMap((width) =>
      [{}, { day: "numeric" } as const].map(
        (more) => new Intl.DateTimeFormat(language, { ...more, [part]: width, timeZone: "UTC" }),
      ),
    ),
  );

const namesOf = (part: Part, moments: readonly number[]): ReadonlyMap<string, number> =>
  new Map(
    formatsOf(part).flatMap((format) =>
      moments.flatMap((ms, index) =>
        format
          .formatToParts(ms)
          .filter(({ type }) => type === part)
          .map(({ value }) => [letters(value), index + 1] as const),
      ),
    ),
  );

/** Made when a file has the first name: it takes a fifth of a second. */
const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

const ENGLISH = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

const months = once(() =>
  namesOf(
    "month",
    ENGLISH.map((_, index) => Date.UTC(2024, index, 14)),
  ),
);

const weekdays = once(() =>
  namesOf(
    "weekday",
    Array.from({ length: 7 }, (_, day) => MONDAY_MS + day * DAY_MS),
  ),
);

/** 1 to 12; 0, which is no month of the calendar, for an unknown word. */
export const monthNamed = (word: string): number => {
  const english = ENGLISH.indexOf(word.toLowerCase().replace(/^sept$/, "sep")) + 1;
  return english > 0 ? english : (months().get(letters(word)) ?? 0);
};

/** `mar` is Tuesday in four languages and March in others: callers ask only where a whole date follows. */
export const isWeekday = (word: string): boolean => letters(word) !== "" && weekdays().has(letters(word));
