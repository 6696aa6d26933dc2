import type { FastifyInstance } from "fastify";
import { priceOf } from "#shared/domain/money.ts";
import type { FieldError } from "#shared/domain/order.ts";
import { DAY_MS, HOUR_MS, iso, MINUTE_MS, timestampMs } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { readSales, type SalesBucket, type SalesQuery, type SalesRow } from "#shared/store/sales.ts";
import { MOST_SALES_ROWS, salesQuery, salesReply } from "#shared/wire/sales.ts";
import { invalid, sendProblem, sendUnavailable } from "../problem.ts";

type Query = Partial<Record<"from" | "to" | "mode" | "store" | "drink" | "limit" | "cursor", string>> & {
  bucket?: SalesBucket;
};
type Key = NonNullable<SalesQuery["after"]>;

const DEFAULT_ROWS = 1_000;
/** The longest range by bucket, in days: what a page may have to sort. */
const MOST_DAYS: Record<SalesBucket, number> = { minute: 31, hour: 1_100, day: 11_000 };
const BUCKET_MS: Record<SalesBucket, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** GET /api/sales: the history from the rollups, in pages. */
export const addSalesRoute = (app: FastifyInstance, pool: Pool, modeNames: readonly string[]): void => {
  const schema = { querystring: salesQuery, response: { 200: salesReply } };
  app.get<{ Querystring: Query }>("/api/sales", { schema }, async (request, reply) => {
    const checked = queryFrom(request.query, modeNames, Date.now());
    if ("errors" in checked) return sendProblem(reply, invalid(checked.errors));
    const { query } = checked;
    let rows: SalesRow[];
    try {
      // one more than the page tells whether there is a next one
      rows = await readSales(pool, { ...query, limit: query.limit + 1 });
    } catch (error) {
      request.log.warn({ reason: messageOf(error) }, "the sales could not be read");
      return sendUnavailable(
        reply,
        "backend-away",
        "PostgreSQL does not answer; the history is in PostgreSQL alone",
      );
    }
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return {
      bucket: query.bucket,
      from: iso(query.fromMs),
      to: iso(query.toMs),
      rows: page.map(({ bucketMs, mode, store, drink, orders, cents }) => ({
        bucket: iso(bucketMs),
        mode,
        store,
        drink,
        orders,
        revenue: priceOf(cents),
      })),
      next: last ? cursorOf(last) : null,
    };
  });
};

const queryFrom = (
  query: Query,
  modeNames: readonly string[],
  nowMs: number,
): { query: SalesQuery } | { errors: FieldError[] } => {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => errors.push({ field, message });
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
  const limit = Number(query.limit ?? DEFAULT_ROWS);
  if (limit > MOST_SALES_ROWS) wrong("limit", `must be at most ${MOST_SALES_ROWS}`);
  const mode = query.mode === "all" ? undefined : query.mode;
  if (mode !== undefined && !modeNames.includes(mode))
    wrong("mode", `must be one of all, ${modeNames.join(", ")}`);
  if (bucket === "minute" && (query.store !== undefined || query.drink !== undefined))
    wrong("bucket", "minute has no stores and drinks; use hour or day");
  const after = query.cursor === undefined ? undefined : keyOf(query.cursor);
  if (after === null) wrong("cursor", "must be the `next` of the page before");
  if (errors.length > 0 || after === null) return { errors };
  return { query: { bucket, fromMs, toMs, mode, store: query.store, drink: query.drink, limit, after } };
};

const cursorOf = ({ bucketMs, mode, store, drink }: SalesRow): string =>
  Buffer.from(JSON.stringify([bucketMs, mode, store ?? "", drink ?? ""])).toString("base64url");

const keyOf = (cursor: string): Key | null => {
  const text = Buffer.from(cursor, "base64url").toString();
  let key: unknown;
  try {
    key = JSON.parse(text);
  } catch {
    return null;
  }
  const isKey =
    Array.isArray(key) &&
    key.length === 4 &&
    Number.isFinite(key[0]) &&
    key.slice(1).every((part) => typeof part === "string");
  return isKey ? (key as unknown as Key) : null;
};
