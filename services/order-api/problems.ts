/**
 * Every error that the API answers with, as application/problem+json (RFC 9457). Replies and the OpenAPI document take
 * their texts from one table. `errors` names each wrong field and what was expected.
 */
import { maxHeaderSize } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { FieldError } from "#shared/domain/order.ts";
import type { UnavailableReason } from "#shared/ports.ts";
import { fieldErrors } from "./field-errors.ts";
import type { Rejection } from "./limits.ts";

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

/** For the headers and the body of a request together. */
export const REQUEST_TIMEOUT_SECONDS = 30;
const MAX_HEADERS = `${maxHeaderSize / 1_024} KiB`;

export const PROBLEMS = {
  malformed: {
    status: 400,
    title: "The body is malformed",
    means: "the body is not JSON, or it cannot be decompressed",
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
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    means: "the path has no such method; `Allow` lists those that it has",
    detail: "DELETE is not a method of /api/v1/order; it has POST, OPTIONS",
  },
  "request-timeout": {
    status: 408,
    title: "Request timeout",
    means: `the headers and the body did not arrive within ${REQUEST_TIMEOUT_SECONDS} s`,
    detail: `the headers and the body of a request must arrive within ${REQUEST_TIMEOUT_SECONDS} s`,
  },
  "too-large": {
    status: 413,
    title: "The body is too large",
    means: "the body is over the limit, as sent or once it is decompressed",
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
  "upgrade-required": {
    status: 426,
    title: "Upgrade required",
    means: "this path is a WebSocket alone",
    detail: "this path is a WebSocket; GET /api/dashboard returns the same once",
  },
  "headers-too-large": {
    status: 431,
    title: "The headers are too large",
    means: `the request line and the headers are over ${MAX_HEADERS}`,
    detail: `the request line and the headers may have ${MAX_HEADERS} in total`,
  },
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
export const retryAfterSeconds = (): number => 1 + Math.floor(Math.random() * 3);

export const sendUnavailable = (reply: FastifyReply, type: ProblemType, details?: Details): FastifyReply =>
  sendProblem(reply.header("retry-after", retryAfterSeconds()), problemOf(type, details));

export const typeOf = (reason: UnavailableReason): ProblemType =>
  reason.replaceAll("_", "-") as ReasonAsType<UnavailableReason>;

type ReasonAsType<Reason extends string> = Reason extends `${infer Head}_${infer Rest}`
  ? `${Head}-${ReasonAsType<Rest>}`
  : Reason;

/** The detail of what was rejected before it was read (limits.ts). */
export const rejectedDetail = ({ why }: Rejection): { detail?: string } =>
  why === undefined ? {} : { detail: `${why}; not taken` };

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
    const isUrl = error.code === "FST_ERR_BAD_URL";
    const type = isUrl ? "bad-request" : (REJECTED_BY_FASTIFY[status] ?? "bad-request");
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
