import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  keyProblem,
  type Order,
  type OrderRequest,
  type OrderRules,
  orderFrom,
  priceOf,
} from "#shared/domain/order.ts";
import { iso } from "#shared/domain/time.ts";
import { KeyConflict, type Receipt, Unavailable } from "#shared/ports.ts";
import { orderReply, orderRequest } from "#shared/wire/orders.ts";
import type { Intakes } from "../intakes.ts";
import type { ApiMetrics } from "../metrics.ts";
import { newOrderId } from "../new-order-id.ts";
import { invalid, sendProblem } from "../problem.ts";
import { admitOrders, countRejections, refuse } from "../refusals.ts";

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
    const errorHandler = countRejections(mode, metrics);

    const accepted = (reply: FastifyReply, order: Order, receipt: Receipt): FastifyReply => {
      if (receipt.replayed) reply.header("idempotency-replayed", "true");
      // without a timestamp the order was sold when it came first
      const eventTimeMs = receipt.replayed ? receipt.eventTimeMs : order.eventTimeMs;
      const { id, drink, store, priceCents } = order;
      return reply
        .code(receipt.replayed ? 200 : code)
        .header("location", `/api/orders/${id}`)
        .send({ id, mode, status, drink, store, price: priceOf(priceCents), timestamp: iso(eventTimeMs) });
    };

    app.post<{ Body: OrderRequest }>(
      `/api/${mode}/order`,
      { schema, errorHandler, onRequest: admitOrders(mode, intakes, metrics) },
      async (request, reply) => {
        const started = performance.now();
        const checked = orderIn(request, rules);
        if ("errors" in checked) {
          metrics.rejected(mode, "invalid", 1);
          return sendProblem(reply, invalid(checked.errors));
        }
        const { order } = checked;
        try {
          const [outcome] = await intakes.accept(mode, [order]);
          if (outcome === undefined || outcome instanceof Error) throw outcome;
          metrics.taken(mode, [order], [outcome], performance.now() - started);
          return accepted(reply, order, outcome);
        } catch (error) {
          if (error instanceof KeyConflict) {
            metrics.rejected(mode, "conflict", 1);
            return sendProblem(reply, { ...invalid([KEY_TAKEN]), type: "key-conflict" });
          }
          if (error instanceof Unavailable) metrics.rejected(mode, error.reason, 1);
          return refuse(reply, error, [order.id]);
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
  const checked = orderFrom(request.body, key?.toLowerCase() ?? newOrderId(), nowMs, rules);
  if (problem === null) return checked;
  const errors = "errors" in checked ? checked.errors : [];
  return { errors: [{ field: "Idempotency-Key", message: problem }, ...errors] };
};

const keyOf = (request: FastifyRequest): string | undefined => {
  const key = request.headers["idempotency-key"];
  return Array.isArray(key) ? key.join(", ") : key;
};
