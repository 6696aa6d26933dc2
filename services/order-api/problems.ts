/**
 * Every error that the API answers with, as application/problem+json (RFC 9457). Replies and the OpenAPI document take
 * their texts from one table. `errors` names each wrong field and what was expected.
 */
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";
import type { FieldError } from "#shared/domain/order.ts";
import type { UnavailableReason } from "#shared/ports.ts";

export type ProblemKind = {
  readonly status: number;
  readonly title: string;
  /** What it means and what to do, for the documentation. */
  readonly means: string;
  /** Of a reply, unless the reply has its own. "not taken" promises that nothing was or will be accepted: clients read it. */
  readonly detail?: string;
};

const INVALID = { status: 422, title: "The request is not valid" };
const UNAVAILABLE = { status: 503, title: "Service unavailable" };

export const PROBLEMS = {
  malformed: {
    status: 400,
    title: "The body is not valid JSON",
    means: "the body is not JSON",
    detail: "Body is not valid JSON but content-type is set to 'application/json'",
  },
  "bad-request": {
    status: 400,
    title: "Bad request",
    means: "the request is not valid HTTP/1.1",
    detail: "this is not an HTTP/1.1 request",
  },
  unauthorized: {
    status: 401,
    title: "Token required",
    means: "no token, or one that is not valid here (where ACCESS=tokens)",
    detail: "send a token as Authorization: Bearer …",
  },
  forbidden: {
    status: 403,
    title: "Not allowed with this token",
    means: "the token is valid, but may not do this",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    means: "the token has used its requests of this minute; not taken; retry after `Retry-After`",
    detail: "this token has used its requests of this minute; not taken",
  },
  origin: {
    status: 403,
    title: "Origin not allowed",
    means: "pages of this origin may not open a WebSocket",
    detail: "pages of this origin may not open a WebSocket here; see ALLOWED_ORIGINS",
  },
  "not-found": {
    status: 404,
    title: "Not found",
    means: "no such path, or its mode is not enabled here",
    detail: "POST /api/v2/order is not part of this API or its mode is not enabled",
  },
  "not-yet-visible-or-unknown": {
    status: 404,
    title: "Order not known yet",
    means:
      "the order waits to be counted, was never sent, or is older than the orders kept; retry after `Retry-After`",
    detail: "the order waits to be counted, was never sent, or is older than the orders kept",
  },
  "too-large": {
    status: 413,
    title: "The body is too large",
    means: "the body is over the limit",
    detail: "Request body is too large",
  },
  "unsupported-media-type": {
    status: 415,
    title: "Unsupported content type",
    means: "the body is not `application/json`, nor for a batch `application/x-ndjson`",
    detail: "Unsupported Media Type",
  },
  invalid: { ...INVALID, means: "fields are wrong, or unknown; `errors` names each" },
  "key-conflict": { ...INVALID, means: "the key belongs to an order with another body" },
  internal: {
    status: 500,
    title: "Internal server error",
    means: "an error of the server; its log has the details",
  },
  "backend-away": {
    ...UNAVAILABLE,
    means: "the server that this needs is unreachable, or refuses; nothing was confirmed",
    detail: "the backend of this mode is unreachable or refuses orders; nothing was confirmed",
  },
  "queue-full": {
    ...UNAVAILABLE,
    means: "more orders arrive than are written; not taken",
    detail: "too many orders wait to be written; not taken",
  },
  overloaded: {
    ...UNAVAILABLE,
    means: "more requests arrive than this process can answer in time; not taken",
    detail: "more requests arrive than this server can answer in time; not taken",
  },
  timeout: {
    ...UNAVAILABLE,
    means: "the order waited too long to be written; not taken",
    detail: "the order waited too long to be written; not taken",
  },
  lag: {
    ...UNAVAILABLE,
    means: "more orders wait to be counted than `MAX_LAG_ORDERS`; not taken",
    detail: "too many orders wait to be counted; not taken",
  },
  "outcome-unknown": {
    ...UNAVAILABLE,
    means: "not confirmed in time; the order may or may not be taken",
    detail: "the backend did not confirm in time; the order may or may not be taken",
  },
  "too-slow": {
    ...UNAVAILABLE,
    means: "the history took longer to read than a second: ask for a shorter range or a smaller page",
    detail: "the history took too long to read; ask for a shorter range or a smaller page",
  },
  "too-many-sockets": {
    ...UNAVAILABLE,
    means: "all WebSockets of this process are in use",
    detail: "all WebSockets of this server are in use",
  },
  closing: {
    ...UNAVAILABLE,
    means: "this process is stopping",
    detail: "this server is stopping; the request was not taken",
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemType = keyof typeof PROBLEMS;

/** What is wrong with one order of a batch; `index` is its place in the request, from 0. */
export type RejectedOrder = { readonly index: number; readonly field: string; readonly reason: string };

type Details = {
  readonly title?: string;
  readonly detail?: string | undefined;
  /** The ids to retry with. */
  readonly ids?: readonly string[];
  readonly errors?: readonly FieldError[];
  readonly rejected?: readonly RejectedOrder[] | undefined;
};
export type Problem = Details & { readonly type: string; readonly title: string; readonly status: number };

export const problemOf = (type: ProblemType, details: Details = {}): Problem => {
  const { status, title, detail }: ProblemKind = PROBLEMS[type];
  return { type, title, status, ...(detail !== undefined && { detail }), ...details };
};

export const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type("application/problem+json").serializer(JSON.stringify).send(problem);

export const invalid = (
  errors: readonly FieldError[],
  type: "invalid" | "key-conflict" = "invalid",
): Problem =>
  problemOf(type, { detail: errors.map(({ field, message }) => `${field} ${message}`).join("; "), errors });

/** Between 1 and 3 seconds, so that clients do not retry together. */
export const retryAfterSeconds = (): string => String(1 + Math.floor(Math.random() * 3));

export const sendUnavailable = (reply: FastifyReply, type: ProblemType, details?: Details): FastifyReply =>
  sendProblem(reply.header("retry-after", retryAfterSeconds()), problemOf(type, details));

export const typeOf = (reason: UnavailableReason): ProblemType =>
  reason.replaceAll("_", "-") as ReasonAsType<UnavailableReason>;

type ReasonAsType<Reason extends string> = Reason extends `${infer Head}_${infer Rest}`
  ? `${Head}-${ReasonAsType<Rest>}`
  : Reason;

/** The detail of orders that were not confirmed, with what to do: an error of a backend may hold addresses. */
export const retryDetail = (type: ProblemType, ids: readonly string[]): string => {
  const { detail }: ProblemKind = PROBLEMS[type];
  const retry =
    ids.length === 1
      ? "the same order can be sent again with this id as its Idempotency-Key"
      : "the same orders can be sent again with these ids";
  return `${detail}; ${retry}`;
};

/** For everything that a route does not answer itself: validation, parsing, and bugs. */
export const handleError = (
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (error.validation) return sendProblem(reply, invalid(fieldErrors(error.validation)));
  const status = error.statusCode ?? 500;
  if (status < 500) {
    const type = REJECTED_BY_FASTIFY[status] ?? "bad-request";
    return sendProblem(reply, { ...problemOf(type, { detail: error.message }), status });
  }
  const { method, routeOptions } = request;
  request.log.error({ err: error, method, route: routeOptions.url }, "request failed");
  return sendProblem(reply, { ...problemOf("internal"), status });
};

/** Before a route is reached. */
const REJECTED_BY_FASTIFY: Readonly<Record<number, ProblemType>> = {
  400: "malformed",
  413: "too-large",
  415: "unsupported-media-type",
  429: "rate-limited",
};

export const handleNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendProblem(
    reply,
    problemOf("not-found", {
      detail: `${request.method} ${request.url.split("?")[0]} is not part of this API or its mode is not enabled`,
    }),
  );

/** For bytes that are no HTTP request; there is no reply object yet. */
export const rejectConnection = (_error: Error, socket: Socket): void => {
  if (!socket.writable) return;
  const body = JSON.stringify(problemOf("bad-request"));
  const head = ["HTTP/1.1 400 Bad Request", "content-type: application/problem+json", "connection: close"];
  socket.end([...head, `content-length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"));
};

/** A client with more wrong fields has sent something else. */
const MAX_FIELDS = 20;

/** One error per field: a union of types reports each of its branches and then itself. */
export const fieldErrors = (validation: readonly FastifySchemaValidationError[]): FieldError[] => {
  const byField = new Map<string, string>();
  for (const error of validation) {
    const field = fieldOf(error);
    if (byField.size === MAX_FIELDS && !byField.has(field)) break;
    if (error.keyword === "anyOf" || !byField.has(field)) byField.set(field, messageFor(error));
  }
  return [...byField].map(([field, message]) => ({ field, message }));
};

const fieldOf = (error: FastifySchemaValidationError): string => {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const member = error.params["missingProperty"] ?? error.params["additionalProperty"];
  if (typeof member === "string") path.push(member);
  return path.join(".") || "body";
};

/** The schema's description of the field, else ajv's own message. */
const messageFor = (error: FastifySchemaValidationError): string => {
  if (error.keyword === "additionalProperties") return "is not a member of this request";
  if (error.keyword === "required") return "is missing";
  const about = (error as { parentSchema?: { description?: string } }).parentSchema?.description;
  return about ? `must be ${about}` : (error.message ?? "is not valid");
};
