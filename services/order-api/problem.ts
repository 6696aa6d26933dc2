/** Errors as application/problem+json (RFC 9457); `errors` names each field and what was expected. */

import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";
import type { FieldError } from "#shared/domain/order.ts";

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly ids?: readonly string[];
  readonly errors?: readonly FieldError[];
  readonly rejected?: readonly RejectedOrder[];
};

/** What is wrong with one order of a batch; `index` is its place in the request, from 0. */
export type RejectedOrder = { readonly index: number; readonly field: string; readonly reason: string };

export const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type("application/problem+json").serializer(JSON.stringify).send(problem);

export const invalid = (errors: readonly FieldError[]): Problem => ({
  type: "invalid",
  title: "The request is not valid",
  status: 422,
  detail: errors.map(({ field, message }) => `${field} ${message}`).join("; "),
  errors,
});

/** Between 1 and 3 seconds, so that clients do not come back together. */
export const retryAfterSeconds = (): string => String(1 + Math.floor(Math.random() * 3));

export const sendUnavailable = (
  reply: FastifyReply,
  type: string,
  detail: string,
  ids?: readonly string[],
  rejected?: readonly RejectedOrder[],
): FastifyReply =>
  sendProblem(reply.header("retry-after", retryAfterSeconds()), {
    type,
    title: "Not available now",
    status: 503,
    detail,
    ...(ids && { ids }),
    ...(rejected && { rejected }),
  });

/** For whatever a route did not answer itself: validation, parsing, and faults of ours. */
export const handleError = (
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (error.validation) return sendProblem(reply, invalid(fieldErrors(error.validation)));
  const status = error.statusCode ?? 500;
  if (status < 500)
    return sendProblem(reply, { ...(REFUSALS[status] ?? BAD_REQUEST), status, detail: error.message });
  const { method, routeOptions } = request;
  request.log.error({ err: error, method, route: routeOptions.url }, "a request failed");
  return sendProblem(reply, { type: "internal", title: "The server made a mistake", status });
};

export const handleNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendProblem(reply, {
    type: "not-found",
    title: "There is nothing here",
    status: 404,
    detail: `${request.method} ${request.url.split("?")[0]} is not part of this API or its mode is not enabled`,
  });

/** For bytes that are no HTTP request; there is no reply object yet. */
export const refuseConnection = (_error: Error, socket: Socket): void => {
  if (!socket.writable) return;
  const problem = { ...BAD_REQUEST, status: 400, detail: "this is not a request of HTTP/1.1" };
  const body = JSON.stringify(problem);
  const head = ["HTTP/1.1 400 Bad Request", "content-type: application/problem+json", "connection: close"];
  socket.end([...head, `content-length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"));
};

/** What fastify itself refuses before a route is reached. */
const REFUSALS: Record<number, { readonly type: string; readonly title: string }> = {
  400: { type: "malformed", title: "The body is not valid JSON" },
  413: { type: "too-large", title: "The body is too large" },
  415: { type: "unsupported-media-type", title: "The body is of a type that is not taken here" },
};
const BAD_REQUEST = { type: "bad-request", title: "The request cannot be understood" };

/** Whoever has more wrong has sent something else. */
const MOST_FIELDS = 20;

/** One error per field, of so many: a union of types reports each of its branches and then itself. */
export const fieldErrors = (validation: readonly FastifySchemaValidationError[]): FieldError[] => {
  const byField = new Map<string, string>();
  for (const error of validation) {
    const field = fieldOf(error);
    if (byField.size === MOST_FIELDS && !byField.has(field)) break;
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

/** ajv's own words, or what the schema says of the field. */
const messageFor = (error: FastifySchemaValidationError): string => {
  if (error.keyword === "additionalProperties") return "is not a member of this request";
  if (error.keyword === "required") return "is missing";
  const about = (error as { parentSchema?: { description?: string } }).parentSchema?.description;
  return about ? `must be ${about}` : (error.message ?? "is not valid");
};
