import type { FastifyInstance, FastifyReply } from "fastify";
import { priceOf } from "#shared/domain/order.ts";
import { iso } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { sqlStateOf } from "#shared/store/errors.ts";
import type { Pool } from "#shared/store/pool.ts";
import { readSales, type SalesRow } from "#shared/store/sales.ts";
import { salesQuery, salesReply } from "#shared/wire/sales.ts";
import { tagReply } from "../etag.ts";
import { invalid, sendProblem, sendUnavailable } from "../problem.ts";
import { csvOf, prefersCsv } from "../sales-csv.ts";
import { cursorOf, nextLink, type SalesQueryString, salesQueryFrom } from "../sales-query.ts";

/** GET /api/sales: the history from the rollups, in pages, as JSON or CSV. */
export const addSalesRoute = (app: FastifyInstance, pool: Pool, modeNames: readonly string[]): void => {
  const schema = { querystring: salesQuery, response: { 200: salesReply } };
  const options = { schema, onSend: tagReply };
  app.get<{ Querystring: SalesQueryString }>("/api/sales", options, async (request, reply) => {
    const given = request.query;
    const checked = salesQueryFrom(given, modeNames, Date.now());
    if ("errors" in checked) return sendProblem(reply, invalid(checked.errors));
    const { query } = checked;
    let rows: SalesRow[];
    try {
      // one more than the page tells whether there is a next one
      rows = await readSales(pool, { ...query, limit: query.limit + 1 });
    } catch (error) {
      request.log.warn({ reason: messageOf(error) }, "the sales could not be read");
      return refuse(reply, error);
    }
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const next = last ? cursorOf(last) : null;
    reply.header("cache-control", "no-cache").header("vary", "accept");
    if (next !== null) reply.header("link", nextLink(given, query, next));
    const from = iso(query.fromMs);
    if (given.format === "csv" || (given.format === undefined && prefersCsv(request.headers.accept)))
      return reply
        .type("text/csv; charset=utf-8; header=present")
        .header(
          "content-disposition",
          `attachment; filename="sales-${query.bucket}-${from.slice(0, 10)}.csv"`,
        )
        .send(await csvOf(page));
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

const refuse = (reply: FastifyReply, error: unknown): FastifyReply =>
  sqlStateOf(error) === CANCELLED
    ? sendUnavailable(
        reply,
        "too-slow",
        "this took too long to read; ask for a shorter range or a smaller page",
      )
    : sendUnavailable(
        reply,
        "backend-away",
        "PostgreSQL does not answer; the history is in PostgreSQL alone",
      );
