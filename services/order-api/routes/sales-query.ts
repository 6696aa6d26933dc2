/** The query of /api/sales: what the schema cannot check, the days of a zone, and the cursor. */
import type { FieldError } from "#shared/domain/order.ts";
import { DAY_MS, HOUR_MS, iso, MINUTE_MS, queryTimeMs } from "#shared/domain/time.ts";
import { type LocalDay, localDays, localIso, openZone, type ToUtc } from "#shared/domain/time-zone.ts";
import {
  type SalesBucket,
  type SalesKey,
  type SalesQuery,
  type SalesRow,
  sumsHours,
} from "#shared/store/sales.ts";
import { MAX_SALES_ROWS, MAX_SUMMED_ROWS } from "#shared/wire/sales.ts";

/** As the schema lets it through. */
export type SalesQueryString = Partial<
  Record<"from" | "to" | "tz" | "mode" | "store" | "drink" | "limit" | "cursor", string>
> & {
  bucket?: SalesBucket;
  by?: "none" | "store" | "drink" | "store,drink";
  format?: "json" | "csv";
  bom?: "true" | "false";
};

export type ReadSales = {
  readonly query: SalesQuery;
  /** A bucket as replies show it: in UTC, or in the zone of the query. */
  readonly shown: (bucketMs: number) => string;
};

const DEFAULT_ROWS = 1_000;
/** The longest range by bucket, in days. PostgreSQL reads ten years of days for one store in 0.8 s. */
const MAX_DAYS: Record<SalesBucket, number> = { minute: 31, hour: 1_100, day: 3_660 };
const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export const salesQueryFrom = (
  given: SalesQueryString,
  nowMs: number,
): ReadSales | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  const [store, drink] = [given.store?.normalize("NFC"), given.drink?.normalize("NFC")];
  const bucket = given.bucket ?? "hour";
  const range = rangeOf(given, bucket, nowMs, wrong);
  const mode = given.mode === "all" ? undefined : given.mode;
  const by = given.by ?? (bucket === "minute" ? "none" : "store,drink");
  if (bucket === "minute" && by !== "none") wrong("by", "must be none for bucket=minute");
  if (bucket === "minute" && (store !== undefined || drink !== undefined))
    wrong("bucket", "minute has no stores and drinks; use hour or day");
  // a filtered name is known of each row
  const byStore = by.includes("store") || store !== undefined;
  const byDrink = by.includes("drink") || drink !== undefined;
  const days = range.days?.map(({ startMs }) => startMs);
  const limit = Number(given.limit ?? DEFAULT_ROWS);
  const most = sumsHours({ bucket, byStore, byDrink, days }) ? MAX_SUMMED_ROWS : MAX_SALES_ROWS;
  if (limit > most)
    wrong(
      "limit",
      `must be at most ${most}${most < MAX_SALES_ROWS ? ", for days by store or of a zone" : ""}`,
    );
  const isBucket = (ms: number): boolean => days?.includes(ms) ?? ms % BUCKET_MS[bucket] === 0;
  const after = given.cursor === undefined ? undefined : keyOf(given.cursor, isBucket);
  if (after === null) wrong("cursor", "must be the `next` of the page before");
  if (errors.length > 0 || after === null) return { errors };
  const { fromMs, toMs } = range;
  const labels = new Map(range.days?.map((day) => [day.startMs, localIso(day)]));
  return {
    query: { bucket, byStore, byDrink, fromMs, toMs, days, mode, store, drink, limit, after },
    shown: (bucketMs) => labels.get(bucketMs) ?? iso(bucketMs),
  };
};

type Wrong = (field: string, message: string) => void;
type Range = { readonly fromMs: number; readonly toMs: number; readonly days?: readonly LocalDay[] };

/** Whole buckets: the one of `from` to the one before `to`. */
const rangeOf = (given: SalesQueryString, bucket: SalesBucket, nowMs: number, wrong: Wrong): Range => {
  const toUtc = zoneOf(given.tz, bucket, wrong);
  const step = BUCKET_MS[bucket];
  const moment = (field: "from" | "to"): number | null => momentOf(field, given, toUtc, wrong);
  const toMs = moment("to") ?? nowMs;
  const fromMs = moment("from") ?? (toUtc === null ? Math.ceil(toMs / step) * step : toMs) - DAY_MS;
  const most = toUtc === null ? MAX_DAYS[bucket] : MAX_DAYS.hour;
  const whole = { fromMs: Math.floor(fromMs / step) * step, toMs: Math.ceil(toMs / step) * step };
  if (whole.fromMs >= whole.toMs) wrong("to", "must be after from");
  else if (whole.toMs - whole.fromMs > most * DAY_MS)
    wrong(
      "from",
      `must be at most ${most} days before to, for bucket=${bucket}${toUtc === null ? "" : " with tz"}`,
    );
  else if (toUtc !== null) {
    const days = localDays(toUtc, fromMs, toMs);
    if (days.some(({ startMs }) => startMs % HOUR_MS !== 0))
      wrong(
        "tz",
        "must be a zone whose days begin on a full hour of UTC: sales are kept by the hour; use bucket=hour",
      );
    return { fromMs: days[0]?.startMs ?? fromMs, toMs: days.at(-1)?.startMs ?? toMs, days };
  }
  return whole;
};

/** Null for UTC. */
const zoneOf = (name: string | undefined, bucket: SalesBucket, wrong: Wrong): ToUtc | null => {
  if (name === undefined) return null;
  if (bucket !== "day") wrong("tz", "is for bucket=day alone: minutes and hours are the same in every zone");
  try {
    return openZone(name);
  } catch {
    wrong("tz", "must be a time zone of the IANA database, as Europe/Zurich");
    return null;
  }
};

/** Before, zones had offsets of seconds; far ahead, the clock of a zone has a year of five digits. */
const [ZONES_FROM_MS, ZONES_TO_MS] = [Date.UTC(1970, 0, 2), Date.UTC(3000, 0)];
const HAS_OFFSET = /([Zz]|[+-]\d{2}:\d{2})$/;

/** Without an offset it is UTC, or the time of the zone; the schema lets only times of the calendar through. */
const momentOf = (
  field: "from" | "to",
  { [field]: text }: SalesQueryString,
  toUtc: ToUtc | null,
  wrong: Wrong,
): number | null => {
  const ms = text === undefined ? null : queryTimeMs(text);
  if (ms === null || text === undefined || toUtc === null) return ms;
  if (ms >= ZONES_FROM_MS && ms < ZONES_TO_MS) return HAS_OFFSET.test(text) ? ms : toUtc(ms);
  wrong(field, "must be of the years 1970 to 2999 where tz is given");
  return null;
};

export const cursorOf = ({ bucketMs, mode, store, drink }: SalesRow): string =>
  Buffer.from(JSON.stringify([bucketMs, mode, store ?? "", drink ?? ""])).toString("base64url");

const keyOf = (cursor: string, isBucket: (ms: number) => boolean): SalesKey | null => {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return null;
  }
  if (!Array.isArray(key) || key.length !== 4) return null;
  const [bucketMs, ...names] = key as unknown[];
  const areNames = names.every((name) => typeof name === "string" && !name.includes("\0"));
  return Number.isSafeInteger(bucketMs) && isBucket(Number(bucketMs)) && areNames
    ? (key as unknown as SalesKey)
    : null;
};

/**
 * The next page, relative to this one, because a proxy may serve the API under another path. The range is written out:
 * now will be later by then.
 */
export const nextLink = (given: SalesQueryString, { query, shown }: ReadSales, cursor: string): string => {
  const next = { ...given, from: shown(query.fromMs), to: shown(query.toMs), cursor };
  return `<?${new URLSearchParams(next)}>; rel="next"`;
};
