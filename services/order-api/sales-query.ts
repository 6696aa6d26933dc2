/** What the query string of GET /api/sales means, and the cursor and the link of its next page. */
import type { FieldError } from "#shared/domain/order.ts";
import { DAY_MS, HOUR_MS, iso, MINUTE_MS, timestampMs } from "#shared/domain/time.ts";
import {
  type SalesBucket,
  type SalesKey,
  type SalesQuery,
  type SalesRow,
  sumsHours,
} from "#shared/store/sales.ts";
import { MOST_SALES_ROWS, MOST_SUMMED_ROWS } from "#shared/wire/sales.ts";

/** As the schema lets it through. */
export type SalesQueryString = Partial<
  Record<"from" | "to" | "mode" | "store" | "drink" | "limit" | "cursor", string>
> & {
  bucket?: SalesBucket;
  by?: "none" | "store" | "drink" | "store,drink";
  format?: "json" | "csv";
};

const DEFAULT_ROWS = 1_000;
/** The longest range by bucket, in days. Ten years of days are looked through for one store in 0.8 s. */
const MOST_DAYS: Record<SalesBucket, number> = { minute: 31, hour: 1_100, day: 3_660 };
const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export const salesQueryFrom = (
  query: SalesQueryString,
  modeNames: readonly string[],
  nowMs: number,
): { query: SalesQuery } | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  const { store, drink } = query;
  const bucket = query.bucket ?? "hour";
  const step = BUCKET_MS[bucket];
  const time = (field: "from" | "to", fallback: number): number => {
    const ms = query[field] === undefined ? fallback : timestampMs(query[field]);
    if (ms === null) wrong(field, "must be a date and time of the calendar");
    return ms ?? fallback;
  };
  const toMs = Math.ceil(time("to", nowMs) / step) * step;
  const fromMs = Math.floor(time("from", toMs - DAY_MS) / step) * step;
  if (fromMs >= toMs) wrong("to", "must be after from");
  if (toMs - fromMs > MOST_DAYS[bucket] * DAY_MS)
    wrong("from", `must be at most ${MOST_DAYS[bucket]} days before to, for bucket=${bucket}`);
  const mode = query.mode === "all" ? undefined : query.mode;
  if (mode !== undefined && !modeNames.includes(mode))
    wrong("mode", `must be one of all, ${modeNames.join(", ")}`);
  const by = query.by ?? (bucket === "minute" ? "none" : "store,drink");
  if (bucket === "minute" && by !== "none") wrong("by", "must be none for bucket=minute");
  if (bucket === "minute" && (store !== undefined || drink !== undefined))
    wrong("bucket", "minute has no stores and drinks; use hour or day");
  // what is filtered by is known of each row
  const byStore = by.includes("store") || store !== undefined;
  const byDrink = by.includes("drink") || drink !== undefined;
  const limit = Number(query.limit ?? DEFAULT_ROWS);
  const most = sumsHours({ bucket, byStore, byDrink }) ? MOST_SUMMED_ROWS : MOST_SALES_ROWS;
  if (limit > most)
    wrong("limit", `must be at most ${most}${most < MOST_SALES_ROWS ? ", for days by store" : ""}`);
  const after = query.cursor === undefined ? undefined : keyOf(query.cursor, step);
  if (after === null) wrong("cursor", "must be the `next` of the page before");
  if (errors.length > 0 || after === null) return { errors };
  return { query: { bucket, byStore, byDrink, fromMs, toMs, mode, store, drink, limit, after } };
};

export const cursorOf = ({ bucketMs, mode, store, drink }: SalesRow): string =>
  Buffer.from(JSON.stringify([bucketMs, mode, store ?? "", drink ?? ""])).toString("base64url");

/**
 * The next page, relative to this one: a proxy may serve the API elsewhere. The range is told, since now will be later
 * by then.
 */
export const nextLink = (given: SalesQueryString, { fromMs, toMs }: SalesQuery, cursor: string): string => {
  const next = { ...given, from: iso(fromMs), to: iso(toMs), cursor };
  return `<?${new URLSearchParams(next)}>; rel="next"`;
};

const keyOf = (cursor: string, step: number): SalesKey | null => {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return null;
  }
  if (!Array.isArray(key) || key.length !== 4) return null;
  const [bucketMs, ...names] = key as unknown[];
  const isBucket = Number.isSafeInteger(bucketMs) && Number(bucketMs) % step === 0;
  const areNames = names.every((name) => typeof name === "string" && !name.includes("\0"));
  return isBucket && areNames ? (key as unknown as SalesKey) : null;
};
