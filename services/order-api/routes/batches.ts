import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type FieldError, lacksNamesAlone, type Order } from "#shared/domain/order.ts";
import { type Outcome, Unavailable } from "#shared/ports.ts";
import {
  batchOrderShape,
  batchReply,
  JSON_SEQUENCE,
  JSON_TYPE,
  MAX_BATCH_BYTES,
  MAX_BATCH_ORDERS,
  NDJSON,
  NDJSON_ALIASES,
} from "#shared/wire/orders.ts";
import { decompress, rejection } from "../bodies.ts";
import { type CheckItem, type Item, itemOf, openChecker, refusalOf } from "../items.ts";
import { invalid, type Problem, type RejectedOrder, sendProblem } from "../problems.ts";
import {
  admitOrders,
  countRejections,
  type OrderRoutes,
  sendNamesUnread,
  sendUnconfirmed,
} from "./orders.ts";

type Sorted = {
  readonly orders: readonly Order[];
  /** The place of each of `orders` in the request. */
  readonly places: readonly number[];
  readonly rejected: readonly RejectedOrder[];
  /** An order is rejected for nothing but a name that the catalogue does not have. */
  readonly lacksNames: boolean;
};

const MEDIA_TYPES = [JSON_TYPE, NDJSON, ...NDJSON_ALIASES, JSON_SEQUENCE];

/** A body that was parsed while it arrived; no JSON has a symbol. */
const ITEMS = Symbol("items");
type Streamed = { readonly [ITEMS]: readonly Item[] };

/** POST /api/{mode}/orders for every enabled mode: a JSON array or NDJSON, accepted with one durable write. */
export const addBatchRoutes = (app: FastifyInstance, { intakes, rules, metrics }: OrderRoutes): void => {
  const streamed =
    (separator: string) =>
    async (_request: FastifyRequest, payload: Readable): Promise<Streamed> => ({
      [ITEMS]: await readTexts(payload, separator),
    });
  app.addContentTypeParser([NDJSON, ...NDJSON_ALIASES], streamed("\n"));
  app.addContentTypeParser(JSON_SEQUENCE, streamed("\u001e"));
  for (const { name: mode, accepts } of intakes.modes) {
    const code = accepts === "stored" ? 201 : 202;

    const answer = (
      reply: FastifyReply,
      { orders, places, rejected }: Sorted,
      outcomes: readonly Outcome[],
    ): FastifyReply => {
      const refused = outcomes.flatMap((outcome, index) =>
        outcome instanceof Error ? [rejectedOrder(places[index] ?? 0, refusalOf(outcome))] : [],
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
        bodyLimit: MAX_BATCH_BYTES,
        errorHandler: countRejections(mode, metrics, MEDIA_TYPES),
        config: { access: { rights: ["write"], mode } },
        onRequest: admitOrders(mode, intakes, metrics),
        preParsing: decompress,
      },
      async (request, reply) => {
        const started = performance.now();
        const items = itemsIn(request);
        if (items.length > MAX_BATCH_ORDERS) throw tooLarge();
        const validate = request.compileValidationSchema(batchOrderShape);
        let sorted = sort(items, openChecker(validate, rules));
        if (sorted.lacksNames) {
          if (!(await rules.catalogue.refresh())) return sendNamesUnread(reply, mode, items.length, metrics);
          sorted = sort(items, openChecker(validate, rules));
        }
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
          return sendUnconfirmed(
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

const itemsIn = ({ body }: FastifyRequest): readonly Item[] => {
  if (Array.isArray(body)) return body.map((value) => ({ value }));
  return (body as Streamed | null)?.[ITEMS] ?? [];
};

/** Separates the valid orders from the others, each of which is named by its place and its wrong fields. */
const sort = (items: readonly Item[], check: CheckItem): Sorted => {
  const orders: Order[] = [];
  const places: number[] = [];
  const rejected: RejectedOrder[] = [];
  let lacksNames = false;
  for (const [index, item] of items.entries()) {
    const checked = check(item);
    if ("order" in checked) {
      orders.push(checked.order);
      places.push(index);
    } else {
      lacksNames ||= lacksNamesAlone(checked.errors);
      rejected.push(...checked.errors.map((error) => rejectedOrder(index, error)));
    }
  }
  return { orders, places, rejected, lacksNames };
};

const rejectedOrder = (index: number, { field, message }: FieldError): RejectedOrder => ({
  index,
  field,
  reason: message,
});

const noneAccepted = (rejected: readonly RejectedOrder[]): Problem => ({
  ...(rejected.length > 0
    ? { ...invalid([]), detail: "none of the orders is valid; see rejected", rejected }
    : invalid([{ field: "body", message: "must be an array of orders, at least one" }])),
  title: "No order was accepted",
});

const tooLarge = (): Error =>
  rejection(413, `a batch has at most ${MAX_BATCH_ORDERS} orders and ${MAX_BATCH_BYTES} bytes; send several`);

/**
 * Parses each JSON text as it arrives: the lines of NDJSON, or the texts of a sequence. Empty ones are skipped. Rejects as soon as a limit is passed, so that no more
 * than one text and the orders before it are in memory, whatever is sent.
 */
const readTexts = (payload: Readable, separator: string): Promise<Item[]> =>
  new Promise((resolve, reject) => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const items: Item[] = [];
    let bytes = 0;
    // of a line whose end has not arrived; joined once, when it has: a body may arrive byte by byte
    let parts: string[] = [];
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        payload.off("data", onData).off("end", onEnd);
        // the rest is read and dropped: closing the connection here would lose the reply
        payload.resume();
        reject(error);
      }
    };
    const add = (chunk?: Buffer): void => {
      bytes += chunk?.length ?? 0;
      if (bytes > MAX_BATCH_BYTES) throw tooLarge();
      const [first = "", ...others] = textOf(decoder, chunk).split(separator);
      parts.push(first);
      if (chunk && others.length === 0) return;
      const lines = [parts.join(""), ...others];
      parts = chunk ? lines.splice(-1) : [];
      for (const line of lines) if (line.trim() !== "") items.push(itemOf(line));
      if (items.length > MAX_BATCH_ORDERS) throw tooLarge();
    };
    const onData = (chunk: Buffer): void => attempt(() => add(chunk));
    const onEnd = (): void =>
      attempt(() => {
        add();
        resolve(items);
      });
    // the client disconnected: not an error of the server
    payload.once("error", (error) => reject(Object.assign(error, { statusCode: 400 })));
    payload.on("data", onData).once("end", onEnd);
  });

/** The end of the input has no chunk; a character may be split between two chunks. */
const textOf = (decoder: InstanceType<typeof TextDecoder>, chunk: Buffer | undefined): string => {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (error) {
    throw Object.assign(rejection(400, "the body is not UTF-8"), { cause: error });
  }
};
