/** The OpenAPI document's description of sending orders and reading their status. */
import { ORDER_ID_PATTERN } from "#shared/domain/order.ts";
import type { Mode } from "#shared/ports.ts";
import { batchReplyExample, orderReplyExample, orderStatusExample } from "#shared/wire/examples.ts";
import {
  batchOrder,
  JSON_SEQUENCE,
  JSON_TYPE,
  MAX_BATCH_ORDERS,
  NDJSON,
  NDJSON_ALIASES,
  orderRequest,
} from "#shared/wire/orders.ts";
import { ACCEPTED_ENCODINGS } from "../bodies.ts";
import { header, type Operation, problems, reply } from "./responses.ts";

export const orderOperations = (modes: readonly Mode[]): Record<string, Operation> => ({
  ...Object.fromEntries(modes.map((mode) => [`POST /api/${mode.name}/order`, takeOrder(mode)])),
  ...Object.fromEntries(modes.map((mode) => [`POST /api/${mode.name}/orders`, takeOrders(mode)])),
  "GET /api/orders/{id}": ORDER_STATUS,
});

const NOT_TAKEN = problems(
  "internal",
  "backend-away",
  "queue-full",
  "overloaded",
  "timeout",
  "lag",
  "outcome-unknown",
  "closing",
);

const capitalised = (mode: string): string => mode.replace(/^./, (first) => first.toUpperCase());

const STATUS_LINK = {
  status: { operationId: "readOrder", parameters: { id: "$response.body#/id" } },
};
const COMPRESSED = `A body may be compressed (\`Content-Encoding\`: ${ACCEPTED_ENCODINGS}); its limit applies before and after.`;

const LOCATION = header(
  "the URL of the order's status; behind a proxy that sends `X-Forwarded-Prefix` it begins with that",
  "/api/orders/[0-9a-f-]{36}$",
);

const takeOrder = ({ name, title, accepts }: Mode): Operation => {
  const isStored = accepts === "stored";
  const status = isStored ? "stored" : "queued";
  const example = orderReplyExample(name, status);
  const accepted = (description: string, headers: Record<string, object> = {}): object => ({
    ...reply(description, example, { Location: LOCATION, ...headers }),
    links: STATUS_LINK,
  });
  const replayed = accepted("The same order was sent before, and counts once.", {
    "Idempotency-Replayed": header("`true`", "^true$"),
  });
  const conflict = isStored
    ? (["key-conflict"] as const) // other modes find a conflict when they count
    : [];
  return {
    operationId: `takeOrder${capitalised(name)}`,
    tags: ["orders"],
    summary: `Take an order by ${name}: ${title}`,
    description:
      `The reply is sent only when the crash of any one process can no longer lose the order. After a 503 wait
for \`Retry-After\` and send the same order with the id in \`ids\` as its key, which is always safe. ${COMPRESSED}`.replace(
        "\n",
        " ",
      ),
    parameters: [
      {
        in: "header",
        name: "Idempotency-Key",
        required: false,
        description:
          "Becomes the order's id: a UUIDv7, made at most 31 days ago and 5 minutes ahead. The same key is the same order and counts once, in every mode and however often it is sent. Without it the server makes one.",
        schema: { type: "string", pattern: ORDER_ID_PATTERN },
      },
    ],
    requestBody: { required: true, content: { [JSON_TYPE]: { schema: orderRequest } } },
    responses: {
      ...(isStored && { 200: replayed }),
      [isStored ? 201 : 202]: accepted(
        isStored ? "Committed in PostgreSQL." : "Held durably, on its way to PostgreSQL.",
      ),
      ...problems("malformed", "not-found", "too-large", "unsupported-media-type", "invalid", ...conflict),
      ...NOT_TAKEN,
    },
  };
};

const takeOrders = ({ name, title, accepts }: Mode): Operation => ({
  operationId: `takeOrders${capitalised(name)}`,
  tags: ["orders"],
  summary: `Take a batch of orders by ${name}: ${title}`,
  description: `Up to ${MAX_BATCH_ORDERS} orders and 1 MiB, with one durable write. Also as NDJSON, a line for each order, or as a JSON text sequence. The valid ones are accepted, the others are listed in \`rejected\`. Not a transaction: after a 503 some may be stored, and sending all of them again with the \`ids\` of the reply is safe. ${COMPRESSED}`,
  requestBody: {
    required: true,
    content: {
      [JSON_TYPE]: {
        schema: { type: "array", minItems: 1, maxItems: MAX_BATCH_ORDERS, items: batchOrder },
      },
      [NDJSON]: {
        schema: {
          type: "string",
          description: `one order a line, each as an item of the array; other names of this type: ${NDJSON_ALIASES.join(", ")}`,
        },
      },
      [JSON_SEQUENCE]: {
        schema: { type: "string", description: "orders that each begin with U+001E (RFC 7464)" },
      },
    },
  },
  responses: {
    [accepts === "stored" ? 201 : 202]: reply("At least one order is accepted.", batchReplyExample),
    ...problems("malformed", "not-found", "too-large", "unsupported-media-type", "invalid"),
    ...NOT_TAKEN,
  },
});

const ORDER_STATUS: Operation = {
  operationId: "readOrder",
  tags: ["orders"],
  summary: "The status of an order",
  description:
    "Of an order of any mode. There is no index of queued orders: they answer 404 until they are counted.",
  responses: {
    200: reply("It is stored, counted, or dead.", orderStatusExample),
    ...problems("not-yet-visible-or-unknown", "invalid", "internal", "backend-away", "closing"),
  },
};
