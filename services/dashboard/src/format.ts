/** Numbers, money and times in the user's locale. The page's words are English. */

export type Formats = {
  count(value: number): string;
  /** Short, for axes: 12K. */
  compact(value: number): string;
  /** In the server's currency, if it has one. */
  money(value: number): string;
  perSecond(value: number): string;
  /** A duration: 340 ms, 1.2 s, 3 min. */
  span(ms: number): string;
  /** A duration in seconds, for the age of the figures: 0.4 s. */
  age(ms: number): string;
  /** Time of day with seconds, in the user's time zone. */
  clock(atMs: number): string;
  /** Time of day without seconds. */
  minute(atMs: number): string;
  /** A UTC day, like the days of sales. */
  utcDay(atMs: number): string;
  dayAndMinute(atMs: number): string;
  utc(atMs: number): string;
};

export type FormatOptions = {
  readonly locale?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly currency: string | null;
};

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const formatsFor = ({ locale, timeZone, currency }: FormatOptions): Formats => {
  const number = (options: Intl.NumberFormatOptions) => {
    const format = new Intl.NumberFormat(locale, options);
    return (value: number): string => format.format(value);
  };
  const time = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone, ...options });
    return (atMs: number): string => format.format(atMs);
  };
  // the symbols are the same in every language; a no-break space keeps them next to their number
  const unit = (symbol: string, digits: number) => {
    const format = number({ minimumFractionDigits: digits, maximumFractionDigits: digits });
    return (value: number): string => `${format(value)}\u00a0${symbol}`;
  };
  const [milliseconds, tenths, seconds, minutes, hours] = [
    unit("ms", 0),
    unit("s", 1),
    unit("s", 0),
    unit("min", 0),
    unit("h", 0),
  ];
  const whole = number({ maximumFractionDigits: 0 });
  const one = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const span = (ms: number): string => {
    if (ms < SECOND_MS) return milliseconds(ms);
    if (ms < 10 * SECOND_MS) return tenths(ms / SECOND_MS);
    if (ms < 2 * MINUTE_MS) return seconds(ms / SECOND_MS);
    return ms < 2 * HOUR_MS ? minutes(ms / MINUTE_MS) : hours(ms / HOUR_MS);
  };
  return {
    count: whole,
    compact: number({ notation: "compact", maximumFractionDigits: 1 }),
    money: number({
      ...(currency === null
        ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
        : { style: "currency", currency }),
    }),
    perSecond: (value) => (value < 100 ? one(value) : whole(value)),
    span,
    age: (ms) => (ms < 10 * SECOND_MS ? tenths(ms / SECOND_MS) : span(ms)),
    clock: time({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: time({ hour: "2-digit", minute: "2-digit" }),
    utcDay: time({ day: "numeric", month: "short", timeZone: "UTC" }),
    dayAndMinute: time({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    utc: (atMs) => `${new Date(atMs).toISOString().replace("T", " ").slice(0, 19)} UTC`,
  };
};
