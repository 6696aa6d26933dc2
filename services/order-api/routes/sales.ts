import { setImmediate as nextTurn } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import type { FastifyInstance, FastifyReply } from "fastify";
import { priceOf } from "#shared/domain/order.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { sqlStateOf } from "#shared/store/errors.ts";
import type { Pool } from "#shared/store/pool.ts";
import { readSales, type SalesRow } from "#shared/store/sales.ts";
import { salesQuery, salesReply } from "#shared/wire/sales.ts";
import { addEtag } from "../headers.ts";
import { invalid, sendProblem, sendUnavailable } from "../problems.ts";
import { cursorOf, nextLink, type ReadSales, type SalesQueryString, salesQueryFrom } from "./sales-query.ts";

/** GET /api/sales: the history from the rollups, in pages, as JSON or CSV. */
export const addSalesRoute = (app: FastifyInstance, pool: Pool, modeNames: readonly string[]): void => {
  const schema = { querystring: salesQuery(modeNames), response: { 200: salesReply } };
  const options = { schema, config: { access: { rights: ["read"] as const } }, onSend: addEtag };
  app.get<{ Querystring: SalesQueryString }>("/api/sales", options, async (request, reply) => {
    const given = request.query;
    const checked = salesQueryFrom(given, Date.now());
    if ("errors" in checked) return sendProblem(reply, invalid(checked.errors));
    const { query, shown } = checked;
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
    if (next !== null) reply.header("link", nextLink(given, checked, next));
    const from = shown(query.fromMs);
    if (given.format === "csv" || (given.format === undefined && prefersCsv(request.headers.accept))) {
      const file = `sales-${query.bucket}-${from.slice(0, 10)}.csv`;
      return reply
        .type("text/csv; charset=utf-8; header=present")
        .header("content-disposition", `attachment; filename="${file}"`)
        .send((given.bom === "true" ? BOM : "") + (await csvOf(page, shown)));
    }
    const shownRows = page.map((row) => rowOf(row, shown));
    return { bucket: query.bucket, from, to: shown(query.toMs), rows: shownRows, next };
  });
};

/** Excel reads a CSV file without it in the encoding of the machine: Zürich as ZÃ¼rich. */
const BOM = "\ufeff";

type Shown = ReadSales["shown"];

const rowOf = ({ bucketMs, mode, store, drink, orders, cents }: SalesRow, shown: Shown) => ({
  bucket: shown(bucketMs),
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

const COLUMNS = ["bucket", "mode", "store", "drink", "orders", "revenue"];
/** Written at a time, in 5 ms: other requests do not wait for 10 000 rows. */
const ROWS_AT_A_TIME = 1_000;

/**
 * The rows as CSV (RFC 4180) with a header. A name that a spreadsheet would run as a formula (it begins with = + - @, a
 * tab or a carriage return) gets an apostrophe before it; JSON has it unchanged.
 */
export const csvOf = async (rows: readonly SalesRow[], shown: Shown): Promise<string> => {
  let text = linesOf(rows.slice(0, ROWS_AT_A_TIME), true, shown);
  for (let start = ROWS_AT_A_TIME; start < rows.length; start += ROWS_AT_A_TIME) {
    await nextTurn();
    text += linesOf(rows.slice(start, start + ROWS_AT_A_TIME), false, shown);
  }
  return text;
};

const linesOf = (rows: readonly SalesRow[], header: boolean, shown: Shown): string =>
  stringify(
    rows.map(({ bucketMs, mode, store, drink, orders, cents }) => [
      shown(bucketMs),
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
