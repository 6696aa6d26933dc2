import { setImmediate as nextTurn } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import type { FastifyInstance, FastifyReply } from "fastify";
import { type FieldError, priceOf } from "#shared/domain/order.ts";
import { DAY_MS, HOUR_MS, iso, MINUTE_MS, timestampMs } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { sqlStateOf } from "#shared/store/errors.ts";
import type { Pool } from "#shared/store/pool.ts";
import {
  readSales,
  type SalesBucket,
  type SalesKey,
  type SalesQuery,
  type SalesRow,
  sumsHours,
} from "#shared/store/sales.ts";
import { MAX_SALES_ROWS, MAX_SUMMED_ROWS, salesQuery, salesReply } from "#shared/wire/sales.ts";
import { addEtag } from "../headers.ts";
import { invalid, sendProblem, sendUnavailable } from "../problems.ts";

/** GET /api/sales: the history from the rollups, in pages, as JSON or CSV. */
export const addSalesRoute = (app: FastifyInstance, pool: Pool, modeNames: readonly string[]): void => {
  const schema = { querystring: salesQuery, response: { 200: salesReply } };
  const options = { schema, config: { access: { rights: ["read"] as const } }, onSend: addEtag };
  app.get<{ Querystring: SalesQueryString }>("/api/sales", options, async (request, reply) => {
    const given = request.query;
    const checked = salesQueryFrom(given, modeNames, Date.now());
    if ("errors" in checked) return sendProblem(reply, invalid(checked.errors));
    const { query } = checked;
    let rows: SalesRow[];
    try {
      // one more than the page shows whether there is a next one
      rows = await readSales(pool, { ...query, limit: query.limit + 1 });
    } catch (error) {
      request.log.warn({ reason: messageOf(error) }, "sales not readable");
      return sendUnreadable(reply, error);
    }
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const next = last ? cursorOf(last) : null;
    reply.header("cache-control", "no-cache").header("vary", "accept");
    if (next !== null) reply.header("link", nextLink(given, query, next));
    const from = iso(query.fromMs);
    if (given.format === "csv" || (given.format === undefined && prefersCsv(request.headers.accept))) {
      const file = `sales-${query.bucket}-${from.slice(0, 10)}.csv`;
      return reply
        .type("text/csv; charset=utf-8; header=present")
        .header("content-disposition", `attachment; filename="${file}"`)
        .send(await csvOf(page));
    }
    return { bucket: query.bucket, from, to: iso(query.toMs), rows: page.map(rowOf), next };
  });
};

const rowOf = ({ bucketMs, mode, store, drink, orders, cents }: SalesRow) => ({
  bucket: iso(bucketMs),
  mode,
  store,
  drink,
  orders,
  revenue: priceOf(cents),
});

/** The statement was cancelled: it took longer than a read may. */
const CANCELLED = "57014";

const sendUnreadable = (reply: FastifyReply, error: unknown): FastifyReply =>
  sqlStateOf(error) === CANCELLED
    ? sendUnavailable(reply, "too-slow")
    : sendUnavailable(reply, "backend-away", {
        detail: "PostgreSQL is unreachable; the history is in PostgreSQL alone",
      });

/** As the schema lets it through. */
type SalesQueryString = Partial<
  Record<"from" | "to" | "mode" | "store" | "drink" | "limit" | "cursor", string>
> & {
  bucket?: SalesBucket;
  by?: "none" | "store" | "drink" | "store,drink";
  format?: "json" | "csv";
};

const DEFAULT_ROWS = 1_000;
/** The longest range by bucket, in days. PostgreSQL reads ten years of days for one store in 0.8 s. */
const MAX_DAYS: Record<SalesBucket, number> = { minute: 31, hour: 1_100, day: 3_660 };
const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

const salesQueryFrom = (
  query: SalesQueryString,
  modeNames: readonly string[],
  nowMs: number,
): { query: SalesQuery } | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
  const [store, drink] = [query.store?.normalize("NFC"), query.drink?.normalize("NFC")];
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
  if (toMs - fromMs > MAX_DAYS[bucket] * DAY_MS)
    wrong("from", `must be at most ${MAX_DAYS[bucket]} days before to, for bucket=${bucket}`);
  const mode = query.mode === "all" ? undefined : query.mode;
  if (mode !== undefined && !modeNames.includes(mode))
    wrong("mode", `must be one of all, ${modeNames.join(", ")}`);
  const by = query.by ?? (bucket === "minute" ? "none" : "store,drink");
  if (bucket === "minute" && by !== "none") wrong("by", "must be none for bucket=minute");
  if (bucket === "minute" && (store !== undefined || drink !== undefined))
    wrong("bucket", "minute has no stores and drinks; use hour or day");
  // a filtered name is known of each row
  const byStore = by.includes("store") || store !== undefined;
  const byDrink = by.includes("drink") || drink !== undefined;
  const limit = Number(query.limit ?? DEFAULT_ROWS);
  const most = sumsHours({ bucket, byStore, byDrink }) ? MAX_SUMMED_ROWS : MAX_SALES_ROWS;
  if (limit > most)
    wrong("limit", `must be at most ${most}${most < MAX_SALES_ROWS ? ", for days by store" : ""}`);
  const after = query.cursor === undefined ? undefined : keyOf(query.cursor, step);
  if (after === null) wrong("cursor", "must be the `next` of the page before");
  if (errors.length > 0 || after === null) return { errors };
  return { query: { bucket, byStore, byDrink, fromMs, toMs, mode, store, drink, limit, after } };
};

const cursorOf = ({ bucketMs, mode, store, drink }: SalesRow): string =>
  Buffer.from(JSON.stringify([bucketMs, mode, store ?? "", drink ?? ""])).toString("base64url");

/**
 * The next page, relative to this one, because a proxy may serve the API under another path. The range is written out:
 * now will be later by then.
 */
const nextLink = (given: SalesQueryString, { fromMs, toMs }: SalesQuery, cursor: string): string => {
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

const COLUMNS = ["bucket", "mode", "store", "drink", "orders", "revenue"];
/** Written at a time, in 5 ms: other requests do not wait for 10 000 rows. */
const ROWS_AT_A_TIME = 1_000;

/**
 * The rows as CSV (RFC 4180) with a header. A name that a spreadsheet would run as a formula (it begins with = + - @, a
 * tab or a carriage return) gets an apostrophe before it; JSON has it unchanged.
 */
export const csvOf = async (rows: readonly SalesRow[]): Promise<string> => {
  let text = linesOf(rows.slice(0, ROWS_AT_A_TIME), true);
  for (let start = ROWS_AT_A_TIME; start < rows.length; start += ROWS_AT_A_TIME) {
    await nextTurn();
    text += linesOf(rows.slice(start, start + ROWS_AT_A_TIME), false);
  }
  return text;
};

const linesOf = (rows: readonly SalesRow[], header: boolean): string =>
  stringify(
    rows.map(({ bucketMs, mode, store, drink, orders, cents }) => [
      iso(bucketMs),
      mode,
      store,
      drink,
      orders,
      (cents / 100).toFixed(2),
    ]),
    { header, columns: COLUMNS, escape_formulas: true, record_delimiter: "windows" },
  );

/** Whether Accept (RFC 9110) prefers CSV to JSON. */
export const prefersCsv = (accept: string | undefined): boolean => {
  const weights = new Map<string, number>();
  for (const part of (accept ?? "*/*").toLowerCase().split(",")) {
    const [range = "", ...parameters] = part.split(";").map((each) => each.trim());
    const weight = parameters.find((each) => each.startsWith("q="))?.slice(2) ?? "1";
    weights.set(range, Number.parseFloat(weight) || 0);
  }
  const weightOf = (...ranges: string[]): number =>
    weights.get(ranges.find((range) => weights.has(range)) ?? "") ?? 0;
  return weightOf("text/csv", "text/*", "*/*") > weightOf("application/json", "application/*", "*/*");
};
