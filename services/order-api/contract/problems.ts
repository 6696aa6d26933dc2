/** Every problem that the API answers with, by its type: what the OpenAPI document tells of errors. */
import { ORDER_ID } from "#shared/wire/examples.ts";

type Kind = {
  readonly status: number;
  readonly title: string;
  /** What it means and what to do, for the documentation. */
  readonly means: string;
  /** A reply's own words. */
  readonly detail?: string;
  readonly ids?: readonly string[];
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
};

const again = "the same order may be sent again with the id as Idempotency-Key";
const away = { status: 503, title: "Not available now" };
const conflict = { field: "Idempotency-Key", message: "belongs to an order with another body" };
const wrong = { field: "drink", message: "must be a drink of the catalogue" };

export const PROBLEMS = {
  malformed: {
    status: 400,
    title: "The body is not valid JSON",
    means: "the body is not JSON",
    detail: "Body is not valid JSON but content-type is set to 'application/json'",
  },
  "not-found": {
    status: 404,
    title: "There is nothing here",
    means: "no such path, or its mode is not enabled here",
    detail: "POST /api/v2/order is not part of this API or its mode is not enabled",
  },
  "not-yet-visible-or-unknown": {
    status: 404,
    title: "Nothing is known of this order yet",
    means:
      "it waits to be counted, or nobody sent it, or it is older than the orders kept; ask again after `Retry-After`",
    detail: "it waits to be counted, or nobody sent it, or it is older than the orders kept",
  },
  "too-large": {
    status: 413,
    title: "The body is too large",
    means: "the body is over the limit",
    detail: "Request body is too large",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body is of a type that is not taken here",
    means: "the body is not `application/json`, nor for a batch `application/x-ndjson`",
    detail: "Unsupported Media Type",
  },
  invalid: {
    status: 422,
    title: "The request is not valid",
    means: "fields are wrong, or unknown; `errors` names each",
    detail: `${wrong.field} ${wrong.message}`,
    errors: [wrong],
  },
  "key-conflict": {
    status: 422,
    title: "The request is not valid",
    means: "the key belongs to an order with another body",
    detail: `${conflict.field} ${conflict.message}`,
    errors: [conflict],
  },
  internal: {
    status: 500,
    title: "The server made a mistake",
    means: "a fault of the server; its log says which",
  },
  "backend-away": {
    ...away,
    means: "the server that this needs does not answer, or refuses; nothing was confirmed",
    detail: `the backend of this mode does not answer or refuses; nothing was confirmed; ${again}`,
    ids: [ORDER_ID],
  },
  "queue-full": {
    ...away,
    means: "more orders come than are written; not taken",
    detail: "too many orders wait to be written; not taken",
  },
  overloaded: {
    ...away,
    means: "more requests come than this process can answer in time; not taken",
    detail: "more requests come than this server can answer in time; not taken",
  },
  timeout: {
    ...away,
    means: "the order waited too long to be written; not taken",
    detail: `waited too long to be written; not taken; ${again}`,
    ids: [ORDER_ID],
  },
  lag: {
    ...away,
    means: "more orders wait to be counted than `MAX_LAG_ORDERS`; not taken",
    detail: "too many orders wait to be counted; not taken",
  },
  "outcome-unknown": {
    ...away,
    means: "not confirmed in time; what was sent may or may not be taken",
    detail: `the backend did not confirm in time; what was sent may or may not be taken; ${again}`,
    ids: [ORDER_ID],
  },
  "too-slow": {
    ...away,
    means: "the history took longer to read than a second: ask for a shorter range or a smaller page",
    detail: "this took too long to read; ask for a shorter range or a smaller page",
  },
  closing: { ...away, means: "this process is stopping", detail: "this server is stopping" },
} as const satisfies Record<string, Kind>;

export type ProblemType = keyof typeof PROBLEMS;

const kindOf = (type: ProblemType): Kind => PROBLEMS[type];

const exampleOf = (type: ProblemType): object => {
  const { title, status, detail, ids, errors } = kindOf(type);
  return { type, title, status, ...(detail && { detail }), ...(ids && { ids }), ...(errors && { errors }) };
};

const RETRY_AFTER = {
  description: "seconds to wait, between 1 and 3 so that clients do not come back together",
  required: true,
  schema: { type: "string", pattern: "^[1-3]$" },
};

/** OpenAPI's responses for these types of problems, by status. */
export const problems = (...types: ProblemType[]): Record<string, object> => {
  const statuses = [...new Set(types.map((type) => kindOf(type).status))];
  return Object.fromEntries(statuses.map((status) => [status, response(status, types)]));
};

const response = (status: number, types: readonly ProblemType[]): object => {
  const here = types.filter((type) => kindOf(type).status === status);
  const precise = { type: { enum: here }, status: { const: status } };
  return {
    description: here.map((type) => `\`${type}\`: ${kindOf(type).means}`).join("\n\n"),
    ...((status === 503 || here.includes("not-yet-visible-or-unknown")) && {
      headers: { "Retry-After": RETRY_AFTER },
    }),
    content: {
      "application/problem+json": {
        schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: precise }] },
        examples: Object.fromEntries(here.map((type) => [type, { value: exampleOf(type) }])),
      },
    },
  };
};
