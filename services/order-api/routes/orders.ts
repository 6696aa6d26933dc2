import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { v7 as newOrderId } from "uuid";
import { priceOf } from "#shared/domain/money.ts";
import { type OrderRequest, type OrderRules, orderFrom } from "#shared/domain/order.ts";
import { keyProblem } from "#shared/domain/order-id.ts";
import { iso } from "#shared/domain/time.ts";
import { KeyConflict, Unavailable } from "#shared/ports.ts";
import { orderReply, orderRequest } from "#shared/wire/orders.ts";
import type { Intakes } from "../intakes.ts";
import type { ApiMetrics } from "../metrics.ts";
import { handleError, invalid, sendProblem, sendUnavailable } from "../problem.ts";

export type OrderRoutes = {
  readonly intakes: Intakes;
  readonly rules: OrderRules;
  readonly metrics: ApiMetrics;
};

/** POST /api/{mode}/order for every enabled mode. */
export const addOrderRoutes = (app: FastifyInstance, { intakes, rules, metrics }: OrderRoutes): void => {
  for (const { name: mode, accepts: status } of intakes.modes) {
    const code = status === "stored" ? 201 : 202;
    const schema = { body: orderRequest, response: { 200: orderReply, [code]: orderReply } };
    const errorHandler: Handler = (error, request, reply) => {
      metrics.rejected(mode, rejectionOf(error));
      return handleError(error, request, reply);
    };
    app.post<{ Body: OrderRequest }>(
      `/api/${mode}/order`,
      { schema, errorHandler },
      async (request, reply) => {
        const nowMs = Date.now();
        const started = performance.now();
        const key = keyOf(request);
        const problem = key === undefined ? null : keyProblem(key, nowMs);
        const id = key?.toLowerCase() ?? newOrderId();
        const checked = orderFrom(request.body, id, nowMs, rules);
        if (problem !== null || "errors" in checked) {
          metrics.rejected(mode, "invalid");
          const errors = "errors" in checked ? checked.errors : [];
          return sendProblem(
            reply,
            invalid(problem ? [{ field: "Idempotency-Key", message: problem }, ...errors] : errors),
          );
        }
        const { order } = checked;
        try {
          const receipt = await intakes.accept(mode, order);
          const { replayed } = receipt;
          // without a timestamp the order was sold when it came first
          const eventTimeMs = receipt.replayed ? receipt.eventTimeMs : order.eventTimeMs;
          if (replayed) {
            metrics.replayed(mode);
            reply.header("idempotency-replayed", "true");
          } else metrics.accepted(mode, order, (performance.now() - started) / 1000);
          const { drink, store } = order;
          return reply
            .code(replayed ? 200 : code)
            .header("location", `/api/orders/${id}`)
            .send({
              id,
              mode,
              status,
              drink,
              store,
              price: priceOf(order.priceCents),
              timestamp: iso(eventTimeMs),
            });
        } catch (error) {
          return refuse(reply, error, mode, id, metrics);
        }
      },
    );
  }
};

type Handler = typeof handleError;

/** What never reached the route: not JSON, too large, or not the shape of an order. */
const rejectionOf = (error: FastifyError): string => {
  if (error.validation) return "invalid";
  return { 400: "malformed", 413: "too_large", 415: "media_type" }[error.statusCode ?? 500] ?? "internal";
};

const keyOf = (request: FastifyRequest): string | undefined => {
  const key = request.headers["idempotency-key"];
  return Array.isArray(key) ? key.join(", ") : key;
};

const refuse = (
  reply: FastifyReply,
  error: unknown,
  mode: string,
  id: string,
  metrics: ApiMetrics,
): FastifyReply => {
  if (error instanceof KeyConflict) {
    metrics.rejected(mode, "conflict");
    return sendProblem(reply, {
      ...invalid([{ field: "Idempotency-Key", message: "belongs to an order with another body" }]),
      type: "key-conflict",
    });
  }
  if (!(error instanceof Unavailable)) throw error;
  metrics.rejected(mode, error.reason);
  const why = error.reason === "lag" ? `${error.message}; this one was not taken` : DETAILS[error.reason];
  const detail = `${why}; the same order may be sent again with the id as Idempotency-Key`;
  return sendUnavailable(reply, error.reason.replaceAll("_", "-"), detail, [id]);
};

/** In words of ours: an error of a server may hold addresses. That of the lag bound is ours, and says which bound. */
const DETAILS: Record<Exclude<Unavailable["reason"], "lag">, string> = {
  queue_full: "too many orders wait to be written; this one was not taken",
  timeout: "the order waited too long; it was not taken",
  backend_away: "the backend of this mode does not answer or refuses; nothing was confirmed",
  outcome_unknown: "the backend did not confirm in time; the order may or may not be taken",
  closing: "this server is stopping; the order was not taken",
};
