import { randomUUIDv7 } from "node:crypto";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import {
  keyProblem,
  lacksNamesAlone,
  ORDER_ID_PATTERN,
  type Order,
  type OrderRequest,
  type OrderRules,
  orderFrom,
  priceOf,
} from "#shared/domain/order.ts";
import { iso } from "#shared/domain/time.ts";
import { KeyConflict, type Receipt, Unavailable } from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { findOrderStatus, type OrderStatus } from "#shared/store/order-status.ts";
import type { Pool } from "#shared/store/pool.ts";
import { JSON_TYPE, orderReply, orderShape, orderStatusReply, problem } from "#shared/wire/orders.ts";
import { bodyErrors, decompress } from "../bodies.ts";
import { forwardedPrefix } from "../headers.ts";
import type { Intakes } from "../intakes.ts";
import type { LiveCatalogue } from "../live-catalogue.ts";
import type { ApiMetrics } from "../metrics.ts";
import {
  type handleError,
  invalid,
  problemOf,
  type RejectedOrder,
  rejectedDetail,
  retryDetail,
  sendProblem,
  sendUnavailable,
  typeOf,
} from "../problems.ts";

export type OrderRoutes = {
  readonly intakes: Intakes;
  readonly rules: OrderRules & { readonly catalogue: Pick<LiveCatalogue, "refresh"> };
  readonly metrics: ApiMetrics;
};

/** POST /api/{mode}/order for every enabled mode. */
export const addOrderRoutes = (app: FastifyInstance, { intakes, rules, metrics }: OrderRoutes): void => {
  for (const { name: mode, accepts: status } of intakes.modes) {
    const code = status === "stored" ? 201 : 202;
    const schema = { body: orderShape, response: { 200: orderReply, [code]: orderReply } };
    const errorHandler = countRejections(mode, metrics, [JSON_TYPE]);

    const accepted = (
      { headers }: FastifyRequest,
      reply: FastifyReply,
      order: Order,
      receipt: Receipt,
    ): FastifyReply => {
      if (receipt.replayed) reply.header("idempotency-replayed", "true");
      // without a timestamp the order was sold when it first arrived
      const eventTimeMs = receipt.replayed ? receipt.eventTimeMs : order.eventTimeMs;
      const { id, drink, store, priceCents } = order;
      return reply
        .code(receipt.replayed ? 200 : code)
        .header("location", `${forwardedPrefix(headers)}/api/orders/${id}`)
        .send({ id, mode, status, drink, store, price: priceOf(priceCents), timestamp: iso(eventTimeMs) });
    };

    app.post<{ Body: OrderRequest }>(
      `/api/${mode}/order`,
      {
        schema,
        errorHandler,
        config: { access: { rights: ["write"], mode } },
        preParsing: decompress,
        onRequest: admitOrders(mode, intakes, metrics),
      },
      async (request, reply) => {
        const started = performance.now();
        let checked = orderIn(request, rules);
        if ("errors" in checked && lacksNamesAlone(checked.errors)) {
          if (!(await rules.catalogue.refresh())) return sendNamesUnread(reply, mode, 1, metrics);
          checked = orderIn(request, rules);
        }
        if ("errors" in checked) {
          metrics.rejected(mode, "invalid", 1);
          return sendProblem(reply, invalid(checked.errors));
        }
        const { order } = checked;
        try {
          const [outcome] = await intakes.accept(mode, [order]);
          if (outcome === undefined || outcome instanceof Error) throw outcome;
          metrics.taken(mode, [order], [outcome], performance.now() - started);
          return accepted(request, reply, order, outcome);
        } catch (error) {
          if (error instanceof KeyConflict) {
            metrics.rejected(mode, "conflict", 1);
            return sendProblem(reply, invalid([KEY_TAKEN], "key-conflict"));
          }
          if (error instanceof Unavailable) metrics.rejected(mode, error.reason, 1);
          return sendUnconfirmed(reply, error, [order.id]);
        }
      },
    );
  }
};

const KEY_TAKEN = { field: "Idempotency-Key", message: "belongs to an order with another body" };

/** The order of a request, under the client's key or a new id. */
const orderIn = (
  request: FastifyRequest<{ Body: OrderRequest }>,
  rules: OrderRules,
): ReturnType<typeof orderFrom> => {
  const nowMs = Date.now();
  const key = keyOf(request);
  const problem = key === undefined ? null : keyProblem(key, nowMs);
  const checked = orderFrom(request.body, key?.toLowerCase() ?? randomUUIDv7(), nowMs, rules);
  if (problem === null) return checked;
  const errors = "errors" in checked ? checked.errors : [];
  return { errors: [{ field: "Idempotency-Key", message: problem }, ...errors] };
};

const keyOf = (request: FastifyRequest): string | undefined => {
  const key = request.headers["idempotency-key"];
  return Array.isArray(key) ? key.join(", ") : key;
};

/** Answers requests that are not admitted (limits.ts), before their body is read. */
export const admitOrders =
  (mode: string, intakes: Intakes, metrics: ApiMetrics) =>
  (_request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    intakes.admit(mode, (rejection) => {
      if (rejection === null) return done();
      metrics.rejected(mode, rejection.reason, 1);
      sendUnavailable(reply, typeOf(rejection.reason), rejectedDetail(rejection));
    });
  };

/** Counts what never reaches a route's handler: not JSON, too large, or not the shape of an order. */
export const countRejections = (
  mode: string,
  metrics: ApiMetrics,
  mediaTypes: readonly string[],
): typeof handleError => {
  const handle = bodyErrors(mediaTypes);
  return (error, request, reply) => {
    metrics.rejected(mode, rejectionOf(error), 1);
    return handle(error, request, reply);
  };
};

const rejectionOf = (error: FastifyError): string => {
  if (error.validation) return "invalid";
  return (
    { 400: "malformed", 413: "too_large", 415: "media_type", 429: "rate_limited" }[error.statusCode ?? 500] ??
    "internal"
  );
};

/** Answers 503 with the ids to send these orders again with. Throws an error that is not `Unavailable`: it is a bug. */
export const sendUnconfirmed = (
  reply: FastifyReply,
  error: unknown,
  ids: readonly string[],
  rejected?: readonly RejectedOrder[],
): FastifyReply => {
  if (!(error instanceof Unavailable)) throw error;
  const type = typeOf(error.reason);
  return sendUnavailable(reply, type, { detail: retryDetail(type, ids), ids, rejected });
};

export const NAMES_UNREAD =
  "a name is not in the catalogue, and the names that were added to it cannot be read from PostgreSQL; not taken";

export const sendNamesUnread = (
  reply: FastifyReply,
  mode: string,
  orders: number,
  metrics: ApiMetrics,
): FastifyReply => {
  metrics.rejected(mode, "backend_away", orders);
  return sendUnavailable(reply, "backend-away", { detail: NAMES_UNREAD });
};

/** An order on its way is counted within a second, unless its mode lags. */
const STATUS_RETRY_AFTER_SECONDS = "1";

/** GET /api/orders/{id}: what became of an order, whichever mode took it and whether or not that mode is enabled here. */
export const addOrderStatusRoute = (app: FastifyInstance, pool: Pool): void => {
  const params = Type.Object({
    id: Type.String({ pattern: ORDER_ID_PATTERN, description: "the UUIDv7 of an order" }),
  });
  const schema = { params, response: { 200: orderStatusReply, 404: problem, 422: problem, 503: problem } };
  const config = { access: { rights: ["write", "read"] as const } };
  app.get<{ Params: { id: string } }>("/api/orders/:id", { schema, config }, async (request, reply) => {
    const id = request.params.id.toLowerCase();
    let found: OrderStatus | null;
    try {
      found = await findOrderStatus(pool, id);
    } catch (error) {
      request.log.warn({ reason: messageOf(error) }, "order status not readable");
      const detail = "PostgreSQL is unreachable; the status of orders is in PostgreSQL alone";
      return sendUnavailable(reply, "backend-away", { detail });
    }
    reply.header("cache-control", "no-store");
    if (found === null) {
      reply.header("retry-after", STATUS_RETRY_AFTER_SECONDS);
      return sendProblem(reply, problemOf("not-yet-visible-or-unknown"));
    }
    if (found.status === "dead") return { id, ...found };
    const { mode, status, drink, store, priceCents, eventTimeMs, conflicts } = found;
    const [price, timestamp] = [priceOf(priceCents), iso(eventTimeMs)];
    return { id, mode, status, drink, store, price, timestamp, conflicts };
  });
};
