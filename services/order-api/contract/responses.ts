/** The parts of which the OpenAPI description of an operation is made: headers, replies, errors. */
import { ORDER_ID } from "#shared/wire/examples.ts";
import {
  PROBLEMS,
  type Problem,
  type ProblemKind,
  type ProblemType,
  problemOf,
  retryDetail,
} from "../problems.ts";

export type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** Besides those of the query, which come from the route's schema. */
  readonly parameters?: readonly object[];
  /** Where the route's schema of its body is not the published one. */
  readonly requestBody?: { readonly required: true; readonly content: Record<string, object> };
  /** Named examples of the body, whose schema is the route's. Those of orders are made in examples.ts. */
  readonly examples?: Readonly<Record<string, object>>;
  /** By status. A schema that a route declares for a status is added to it. */
  readonly responses: Readonly<Record<string, object>>;
};

type Headers = Readonly<Record<string, object>>;

/** A header that every such reply has. */
export const header = (description: string, pattern?: string) => ({
  description,
  required: true,
  schema: { type: "string", ...(pattern && { pattern }) },
});
export const optionalHeader = (description: string, pattern?: string) => ({
  ...header(description, pattern),
  required: false,
});

/** A reply in JSON; its schema is the route's unless one is given. */
export const reply = (
  description: string,
  example: object,
  headers: Headers = {},
  schema?: object,
): object => ({
  description,
  headers,
  content: { "application/json": { ...(schema && { schema }), example } },
});

/** The errors with which a route answers, by status. */
export const problems = (...types: ProblemType[]): Record<string, object> => {
  const statuses = [...new Set(types.map((type) => PROBLEMS[type].status))];
  return Object.fromEntries(statuses.map((status) => [status, problemResponse(status, types)]));
};

const RETRY_AFTER = header(
  "seconds to wait, between 1 and 3 so that clients do not come back together",
  "^[1-3]$",
);

const headersOf = (status: number, types: readonly ProblemType[]): { headers?: Headers } => {
  if (status === 503 || types.includes("not-yet-visible-or-unknown"))
    return { headers: { "Retry-After": RETRY_AFTER } };
  if (status === 401 || types.includes("forbidden"))
    return { headers: { "WWW-Authenticate": optionalHeader("`Bearer`, and what is wrong with the token") } };
  if (status === 415) return { headers: ACCEPTED };
  return status === 429 ? { headers: RATE_LIMIT } : {};
};

const ACCEPTED: Headers = {
  Accept: optionalHeader("the media types that this path takes, where `Content-Type` is none of them"),
  "Accept-Post": optionalHeader("the same"),
  "Accept-Encoding": optionalHeader(
    "the encodings that this API takes, where `Content-Encoding` is none of them",
  ),
};

/** Of draft-ietf-httpapi-ratelimit-headers; a token with a limit gets them with every reply. */
const RATE_LIMIT: Headers = {
  "RateLimit-Limit": header("requests of this token in a minute", "^\\d+$"),
  "RateLimit-Remaining": header("of them left", "^\\d+$"),
  "RateLimit-Reset": header("seconds until all of them are available again", "^\\d+$"),
  "Retry-After": header("seconds to wait", "^\\d+$"),
};

const problemResponse = (status: number, types: readonly ProblemType[]): object => {
  const here = types.filter((type) => PROBLEMS[type].status === status);
  const precise = { type: { enum: here }, status: { const: status } };
  return {
    description: here.map((type) => `\`${type}\`: ${meaningOf(type)}`).join("\n\n"),
    ...headersOf(status, here),
    content: {
      "application/problem+json": {
        schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: precise }] },
        examples: Object.fromEntries(here.map((type) => [type, { value: exampleOf(type) }])),
      },
    },
  };
};

const meaningOf = (type: ProblemType): string => {
  const { means }: ProblemKind = PROBLEMS[type];
  return means;
};

const RETRIED: ReadonlySet<ProblemType> = new Set(["backend-away", "timeout", "outcome-unknown"]);
const WRONG: Partial<Record<ProblemType, { readonly field: string; readonly message: string }>> = {
  invalid: { field: "drink", message: "must be a drink of the catalogue" },
  "key-conflict": { field: "Idempotency-Key", message: "belongs to an order with another body" },
};

const exampleOf = (type: ProblemType): Problem => {
  const wrong = WRONG[type];
  if (wrong) return problemOf(type, { detail: `${wrong.field} ${wrong.message}`, errors: [wrong] });
  if (!RETRIED.has(type)) return problemOf(type);
  return problemOf(type, { detail: retryDetail(type, [ORDER_ID]), ids: [ORDER_ID] });
};
