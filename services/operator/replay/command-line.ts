/** The command line of a replay, with every default. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openZone } from "#shared/domain/time-zone.ts";
import type { ColumnChoices } from "#shared/imports/columns.ts";
import type { DateOrder } from "#shared/imports/dates.ts";
import { encodingNamed } from "#shared/imports/encodings.ts";
import type { LeaveOut } from "#shared/imports/statuses.ts";
import { zoneNamed } from "#shared/imports/zones.ts";
import { modes } from "#shared/modes/all.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type Command, UsageError } from "../command.ts";
import { type Surroundings, sendFile } from "./replay.ts";

/** `speed` is times the file's own pace; `url` is null where a system is started for this replay. */
export type ReplayOptions = ReturnType<typeof optionsFrom>;

const MODES = modes.map(({ name }) => name);

const USAGE = `replay sales.csv [options]
--url http://…         the API of a running system       (npm run replay: the one that npm start runs, else a new one)
--own-system           starts a system for this replay, whatever runs
--extend-catalogue     adds the stores and drinks of the file to the running system's catalogue, for good
--mode ${MODES.join("|")}        the ingest mode                   (v2)
--speed 60|max         times the file's own pace         (max)
--timestamp --date --time --store --drink --price --quantity --discount --order --zone-column "column"
                       columns by name, where the guess is wrong; the last four may be none
--no-header            the file begins with data: columns by number, --timestamp 2
--leave-out "Status=Voided,Cancelled"   rows with these values are no sales, all others of the column are; may be
                       repeated; none: no status column decides
--currency EUR|any     rows of one currency of several; any adds them all up
--decimal comma|point  where 1,234 can be read in two ways   (found in the data)
--date-format dmy|mdy|ymd   for dates like 3/4/2026      (found in the data)
--store-name "…"       for a file without a store column
--time-zone Europe/London   the shop's clock             (UTC; a zone column or a zone in the time wins)
--encoding windows-1252     or another name              (found in the data)
--allow-bad            exits with 0 although more than 1 % of the rows could not be read
--keep-time            keeps the dates of the sales      (shifted by whole days: the last one is of the past 24 hours)
--dry-run              reads and reports, sends nothing
--fresh                ignores an earlier run: every sale is a new order
--keep                 keeps the data of the system started for this replay
exit status: 0 equal to the cent, 1 not equal or failed, 2 an option is missing or wrong, 3 more than 1 % unreadable`;

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
  encoding: { type: "string", default: "auto" },
  discount: { type: "string" },
  order: { type: "string" },
  "zone-column": { type: "string" },
  "no-header": { type: "boolean", default: false },
  "leave-out": { type: "string", multiple: true },
  currency: { type: "string" },
  decimal: { type: "string" },
  "allow-bad": { type: "boolean", default: false },
  "keep-time": { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  fresh: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  "own-system": { type: "boolean", default: false },
  "extend-catalogue": { type: "boolean", default: false },
} as const;

export const replay: Command = {
  name: "replay",
  summary: "sends a CSV file of sales as orders and compares the totals",
  usage: USAGE,
  run: (args, { say, signal, env }) =>
    runReplay(args, {
      folder: join(env["XDG_STATE_HOME"] || join(homedir(), ".local/state"), "coffee-rt/replays"),
      findRunning: null,
      startSystem: null,
      token: env["API_TOKEN"] || null,
      say,
      stderr: process.stderr,
      signal,
    }),
};

/**
 * The status is 0 when the system's totals equal the file's to the cent, 3 when they do and more rows could not be read
 * than is allowed, else 1. A relative file name is looked up in
 * `folders`, in this order.
 */
export const runReplay = async (
  args: readonly string[],
  surroundings: Surroundings,
  folders: readonly string[] = [process.cwd()],
): Promise<number> => {
  const options = optionsFrom(args);
  const file = folders.map((folder) => resolve(folder, options.file)).find((path) => existsSync(path));
  if (file === undefined) throw new UsageError(`there is no file ${options.file}`);
  if (options.url === null && !options.dryRun && surroundings.startSystem === null)
    throw new UsageError("--url: expected the API of a running system, http://host:port");
  return sendFile({ ...options, file }, surroundings);
};

/** The options that `args` mean. Throws a UsageError. */
export const optionsFrom = (args: readonly string[]) => {
  const { values, positionals } = parsed(args);
  const expectOption = (isRight: boolean, option: keyof typeof OPTIONS, expected: string): void => {
    if (!isRight) throw new UsageError(`--${option} ${values[option]}: expected ${expected}`);
  };
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError("expected a file: replay sales.csv");
  if (more.length > 0) throw new UsageError(`expected one file, not also ${more.join(" ")}`);
  const { mode, url, timestamp, date, time, store, drink, price, quantity, discount, order } = values;
  const zone = values["zone-column"];
  const named = Object.entries({
    timestamp,
    date,
    time,
    zone,
    store,
    drink,
    price,
    quantity,
    discount,
    order,
  });
  const speed = values.speed === "max" ? Number.POSITIVE_INFINITY : Number(values.speed.replace(/x$/, ""));
  const dateOrder = values["date-format"] === undefined ? null : dateOrderIn(values["date-format"]);
  const storeName = values["store-name"]?.trim().normalize("NFC") ?? null;
  const isUrl = url === undefined || (URL.canParse(url) && /^https?:\/\/[^?#@]+$/.test(new URL(url).href));
  expectOption(MODES.includes(mode), "mode", `one of ${MODES.join(", ")}`);
  if (values["own-system"] && url !== undefined)
    throw new UsageError("--own-system and --url: expected one of them");
  expectOption(speed > 0, "speed", "a number above 0, or max");
  expectOption(isUrl, "url", "http://host:port");
  expectOption(dateOrder !== undefined, "date-format", "dmy, mdy or ymd");
  expectOption(storeName !== "" && (storeName?.length ?? 0) <= 100, "store-name", "1 to 100 characters");
  expectOption(isZone(values["time-zone"]), "time-zone", "a name like Europe/London");
  const encoding = values.encoding === "auto" ? null : encodingNamed(values.encoding);
  const currency = values.currency?.trim().toUpperCase() ?? null;
  const { decimal } = values;
  const isMark = decimal === undefined || decimal === "comma" || decimal === "point";
  const leftOut = values["leave-out"] ?? [];
  expectOption(
    values.encoding === "auto" || encoding !== null,
    "encoding",
    "a name like utf8 or windows-1252, or auto",
  );
  expectOption(currency === null || /^[A-Z]{3}$/.test(currency), "currency", "a code like EUR, or any");
  expectOption(isMark, "decimal", "comma or point");
  return {
    file,
    mode,
    speed,
    url: url?.replace(/\/+$/, "") ?? null,
    columns: Object.fromEntries(named.filter(([, name]) => name !== undefined)) as ColumnChoices,
    dateOrder: dateOrder ?? null,
    storeName,
    timeZone: values["time-zone"],
    encoding,
    hasHeader: !values["no-header"],
    leaveOut: leftOut.filter((text) => text !== "none").map(leaveOutIn),
    guessesStatus: !leftOut.includes("none"),
    currency: currency === "ANY" ? ("any" as const) : currency,
    decimal: isMark && decimal !== undefined ? ({ comma: ",", point: "." } as const)[decimal] : null,
    allowBad: values["allow-bad"],
    keepTime: values["keep-time"],
    dryRun: values["dry-run"],
    fresh: values.fresh,
    keep: values.keep,
    ownSystem: values["own-system"],
    extendCatalogue: values["extend-catalogue"],
  };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
};

const leaveOutIn = (text: string): LeaveOut => {
  const [, column, list] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (column === undefined || list === undefined)
    throw new UsageError(
      `--leave-out ${text}: expected "column=value,value", for example "Status=Voided,Cancelled"`,
    );
  return { column: column.trim(), values: list.split(",").map((value) => value.trim()) };
};

/** Any spelling of the three letters in their order: dmy, d/m/y, DD.MM.YYYY. */
const dateOrderIn = (text: string): DateOrder | undefined => {
  const letters = text
    .toLowerCase()
    .replaceAll(/[^dmy]/g, "")
    .replaceAll(/(.)\1+/g, "$1");
  return (["dmy", "mdy", "ymd"] as const).find((order) => order === letters);
};

const isZone = (name: string): boolean => {
  if (zoneNamed(name) !== null) return true;
  try {
    openZone(name);
    return true;
  } catch {
    return false;
  }
};
