/**
 * The command line of a replay, and every default.
 */
import { parseArgs } from "node:util";
import type { ColumnChoices } from "./columns.ts";
import type { Encoding } from "./csv.ts";
import type { DateOrder } from "./dates.ts";
import { openZone } from "./zone.ts";

export type ReplayOptions = {
  readonly file: string;
  readonly mode: string;
  /** Times the file's own pace; Infinity is as fast as it goes. */
  readonly speed: number;
  /** A running stack; null starts one. */
  readonly url: string | null;
  readonly columns: ColumnChoices;
  readonly dateOrder: DateOrder | null;
  readonly storeName: string | null;
  readonly timeZone: string;
  readonly encoding: Encoding;
  readonly keepTime: boolean;
  readonly dryRun: boolean;
  readonly fresh: boolean;
  readonly keep: boolean;
};

/** The command cannot be carried out as given; the message says what to change. */
export class UsageError extends Error {}

export const USAGE = `npm run replay -- sales.csv [options]

  --mode v1|v2|v3        the ingest mode                          (v2)
  --speed 60|max         times the file's own pace                (max)
  --url http://…         a running stack                          (starts one of its own)
  --timestamp --date --time --store --drink --price --quantity "column"
                         columns by name, where the guess is wrong; --quantity none
  --date-format dmy|mdy|ymd   for dates like 3/4/2026             (told from the data)
  --store-name "…"       for a file without a store column
  --time-zone Europe/London   the shop's clock                    (UTC)
  --encoding utf8|latin1                                          (utf8)
  --keep-time            sales stay at their own dates            (shifted by whole days, the last one to now)
  --dry-run              reads and reports, sends nothing
  --fresh                forgets an earlier run: every sale is a new order
  --keep                 keeps the data of the own stack after a verified end`;

const OPTIONS = {
  mode: { type: "string", default: "v2" },
  speed: { type: "string", default: "max" },
  url: { type: "string" },
  timestamp: { type: "string" },
  date: { type: "string" },
  time: { type: "string" },
  store: { type: "string" },
  drink: { type: "string" },
  price: { type: "string" },
  quantity: { type: "string" },
  "date-format": { type: "string" },
  "store-name": { type: "string" },
  "time-zone": { type: "string", default: "UTC" },
  encoding: { type: "string", default: "utf8" },
  "keep-time": { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  fresh: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** The options that `args` mean; null asks for the usage. Throws a UsageError. */
export const optionsFrom = (args: readonly string[]): ReplayOptions | null => {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError("which file? npm run replay -- sales.csv");
  if (more.length > 0) throw new UsageError(`one file at a time, not also ${more.join(" ")}`);
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(values.mode))
    throw new UsageError(`--mode ${values.mode}: expected v1, v2 or v3`);
  const { timestamp, date, time, store, drink, price, quantity } = values;
  const columns = { timestamp, date, time, store, drink, price, quantity };
  return {
    file,
    mode: values.mode,
    speed: speedOf(values.speed),
    url: values.url === undefined ? null : urlOf(values.url),
    columns: Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== undefined)),
    dateOrder: values["date-format"] === undefined ? null : dateOrderOf(values["date-format"]),
    storeName: values["store-name"] === undefined ? null : storeNameOf(values["store-name"]),
    timeZone: timeZoneOf(values["time-zone"]),
    encoding: encodingOf(values.encoding),
    keepTime: values["keep-time"],
    dryRun: values["dry-run"],
    fresh: values.fresh,
    keep: values.keep,
  };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const speedOf = (text: string): number => {
  const speed = text === "max" ? Number.POSITIVE_INFINITY : Number(text.replace(/x$/, ""));
  if (!(speed > 0)) throw new UsageError(`--speed ${text}: expected a number above 0, or max`);
  return speed;
};

const urlOf = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UsageError(`--url ${text}: expected http://host:port`);
  return text.replace(/\/+$/, "");
};

/** Any spelling of the three letters in their order: dmy, d/m/y, DD.MM.YYYY. */
const dateOrderOf = (text: string): DateOrder => {
  const letters = text
    .toLowerCase()
    .replaceAll(/[^dmy]/g, "")
    .replaceAll(/(.)\1+/g, "$1");
  if (letters === "dmy" || letters === "mdy" || letters === "ymd") return letters;
  throw new UsageError(`--date-format ${text}: expected dmy, mdy or ymd`);
};

const storeNameOf = (text: string): string => {
  if (text.trim() === "" || text.length > 100)
    throw new UsageError("--store-name: expected 1 to 100 characters");
  return text.trim();
};

const timeZoneOf = (text: string): string => {
  try {
    openZone(text);
    return text;
  } catch (error) {
    throw new UsageError(`--time-zone ${text}: expected a name like Europe/London`, { cause: error });
  }
};

const encodingOf = (text: string): Encoding => {
  if (text === "utf8" || text === "latin1") return text;
  throw new UsageError(`--encoding ${text}: expected utf8 or latin1`);
};
