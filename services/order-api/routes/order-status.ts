import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { ORDER_ID_PATTERN, priceOf } from "#shared/domain/order.ts";
import { iso } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { findOrderStatus, type OrderStatus } from "#shared/store/order-status.ts";
import type { Pool } from "#shared/store/pool.ts";
import { orderStatusReply, problem } from "#shared/wire/orders.ts";
import { sendProblem, sendUnavailable } from "../problem.ts";

/** An order on its way is counted within a second, unless its mode lags. */
const LOOK_AGAIN_SECONDS = "1";

const params = Type.Object({
  id: Type.String({ pattern: ORDER_ID_PATTERN, description: "the UUIDv7 of an order" }),
});

/** GET /api/orders/{id}: what became of an order, whichever mode took it and whether or not that mode runs here. */
export const addOrderStatusRoute = (app: FastifyInstance, pool: Pool): void => {
  const schema = { params, response: { 200: orderStatusReply, 404: problem, 422: problem, 503: problem } };
  app.get<{ Params: { id: string } }>("/api/orders/:id", { schema }, async (request, reply) => {
    const id = request.params.id.toLowerCase();
    let found: OrderStatus | null;
    try {
      found = await findOrderStatus(pool, id);
    } catch (error) {
      request.log.warn({ reason: messageOf(error) }, "an order could not be looked up");
      return sendUnavailable(
        reply,
        "backend-away",
        "PostgreSQL does not answer; what became of an order is in PostgreSQL alone",
      );
    }
    reply.header("cache-control", "no-store");
    if (found === null)
      return sendProblem(reply.header("retry-after", LOOK_AGAIN_SECONDS), {
        type: "not-yet-visible-or-unknown",
        title: "Nothing is known of this order yet",
        status: 404,
        detail: "it waits to be counted, or nobody sent it, or it is older than the orders kept",
      });
    if (found.status === "dead") return { id, ...found };
    const { mode, status, drink, store, priceCents, eventTimeMs, conflicts } = found;
    const [price, timestamp] = [priceOf(priceCents), iso(eventTimeMs)];
    return { id, mode, status, drink, store, price, timestamp, conflicts };
  });
};
