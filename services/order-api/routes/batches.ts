import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  type FieldError,
  keyProblem,
  type Order,
  type OrderRequest,
  type OrderRules,
  orderFrom,
} from "#shared/domain/order.ts";
import { KeyConflict, type Outcome, Unavailable } from "#shared/ports.ts";
import { batchOrder, batchReply, MOST_BATCH_BYTES, MOST_BATCH_ORDERS } from "#shared/wire/orders.ts";
import { type BatchItem, NDJSON, readLines, tooLarge } from "../ndjson.ts";
import { newOrderId } from "../new-order-id.ts";
import { fieldErrors, invalid, type RejectedOrder, sendProblem } from "../problem.ts";
import { admitOrders, countRejections, refuse } from "../refusals.ts";
import type { OrderRoutes } from "./orders.ts";

type Checked = ReturnType<typeof orderFrom>;
type Sorted = {
  readonly orders: readonly Order[];
  /** Where each of `orders` stood in the request. */
  readonly places: readonly number[];
  readonly rejected: readonly RejectedOrder[];
};

/** POST /api/{mode}/orders for every enabled mode: a JSON array or NDJSON, accepted with one durable write. */
export const addBatchRoutes = (app: FastifyInstance, { intakes, rules, metrics }: OrderRoutes): void => {
  app.addContentTypeParser(NDJSON, async (_request: FastifyRequest, payload: Readable) => readLines(payload));
  for (const { name: mode, accepts } of intakes.modes) {
    const code = accepts === "stored" ? 201 : 202;

    const answer = (
      reply: FastifyReply,
      { orders, places, rejected }: Sorted,
      outcomes: readonly Outcome[],
    ): FastifyReply => {
      const refused = outcomes.flatMap((outcome, index) =>
        outcome instanceof Error ? [{ index: places[index] ?? 0, ...reasonOf(outcome) }] : [],
      );
      for (const { field } of refused) metrics.rejected(mode, field === "id" ? "conflict" : "internal", 1);
      const ids = orders.filter((_, index) => !(outcomes[index] instanceof Error)).map(({ id }) => id);
      const all = [...rejected, ...refused].sort((a, b) => a.index - b.index);
      if (ids.length === 0) return sendProblem(reply, noneAccepted(all));
      const replayed = outcomes.filter((outcome) => !(outcome instanceof Error) && outcome.replayed).length;
      return reply.code(code).send({ ids, replayed, rejected: all });
    };

    app.post(
      `/api/${mode}/orders`,
      {
        schema: { response: { [code]: batchReply } },
        bodyLimit: MOST_BATCH_BYTES,
        errorHandler: countRejections(mode, metrics),
        onRequest: admitOrders(mode, intakes, metrics),
      },
      async (request, reply) => {
        const started = performance.now();
        const items = itemsIn(request);
        if (items.length > MOST_BATCH_ORDERS) throw tooLarge();
        const sorted = sort(items, checkerFor(request, rules));
        const { orders, rejected } = sorted;
        metrics.rejected(mode, "invalid", items.length - orders.length);
        if (orders.length === 0) return sendProblem(reply, noneAccepted(rejected));
        try {
          const outcomes = await intakes.accept(mode, orders);
          const unknown = outcomes.find((outcome) => outcome instanceof Unavailable);
          if (unknown) throw unknown;
          metrics.taken(mode, orders, outcomes, performance.now() - started);
          return answer(reply, sorted, outcomes);
        } catch (error) {
          if (error instanceof Unavailable) metrics.rejected(mode, error.reason, orders.length);
          return refuse(
            reply,
            error,
            orders.map(({ id }) => id),
            rejected,
          );
        }
      },
    );
  }
};

const itemsIn = ({ body, headers }: FastifyRequest): readonly BatchItem[] => {
  if (headers["content-type"]?.toLowerCase().startsWith(NDJSON)) return body as BatchItem[];
  return Array.isArray(body) ? body.map((value) => ({ value })) : [];
};

/** Takes the valid orders apart from the others, each of which is told with its place and its fields. */
const sort = (items: readonly BatchItem[], check: (value: unknown) => Checked): Sorted => {
  const orders: Order[] = [];
  const places: number[] = [];
  const rejected: RejectedOrder[] = [];
  for (const [index, item] of items.entries()) {
    const checked = "malformed" in item ? { errors: [malformed(item.malformed)] } : check(item.value);
    if ("order" in checked) {
      orders.push(checked.order);
      places.push(index);
    } else rejected.push(...checked.errors.map(({ field, message }) => ({ index, field, reason: message })));
  }
  return { orders, places, rejected };
};

/** The same rules as for a single order; the id in it takes the place of the key. */
const checkerFor = (request: FastifyRequest, rules: OrderRules): ((value: unknown) => Checked) => {
  const nowMs = Date.now();
  const validate = request.compileValidationSchema(batchOrder);
  return (value) => {
    if (hasTooManyMembers(value)) return { errors: [{ field: "body", message: TOO_MANY_MEMBERS }] };
    if (!validate(value)) return { errors: fieldErrors(validate.errors ?? []) };
    const { id, ...sent } = value as OrderRequest & { id?: string };
    const problem = id === undefined ? null : keyProblem(id, nowMs);
    const checked = orderFrom(sent, id?.toLowerCase() ?? newOrderId(), nowMs, rules);
    if (problem === null) return checked;
    return { errors: [{ field: "id", message: problem }, ...("errors" in checked ? checked.errors : [])] };
  };
};

/** An order has five, with its id. To tell of each of a thousand would make a reply ten times the request. */
const MOST_MEMBERS = 20;
const TOO_MANY_MEMBERS = `has more than ${MOST_MEMBERS} members`;
const hasTooManyMembers = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length > MOST_MEMBERS;

const malformed = (reason: string): FieldError => ({ field: "body", message: `is not JSON: ${reason}` });

const reasonOf = (error: Error): { field: string; reason: string } =>
  error instanceof KeyConflict
    ? { field: "id", reason: "belongs to an order with another body" }
    : { field: "body", reason: "is refused by the database" };

const noneAccepted = (rejected: readonly RejectedOrder[]) => ({
  ...invalid(
    rejected.length > 0 ? [] : [{ field: "body", message: "must be an array of orders, at least one" }],
  ),
  ...(rejected.length > 0 && { detail: "none of the orders is valid; see rejected", rejected }),
  title: "No order was accepted",
});
