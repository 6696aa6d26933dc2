/** What an order that cannot be taken is answered with. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { Unavailable } from "#shared/ports.ts";
import type { Intakes } from "./intakes.ts";
import type { ApiMetrics } from "./metrics.ts";
import { handleError, type RejectedOrder, sendUnavailable } from "./problem.ts";

type Handler = typeof handleError;

/** Counts what never reached a route: not JSON, too large, or not the shape of an order. */
export const countRejections = (mode: string, metrics: ApiMetrics): Handler => {
  return (error, request, reply) => {
    metrics.rejected(mode, rejectionOf(error), 1);
    return handleError(error, request, reply);
  };
};

const rejectionOf = (error: FastifyError): string => {
  if (error.validation) return "invalid";
  return { 400: "malformed", 413: "too_large", 415: "media_type" }[error.statusCode ?? 500] ?? "internal";
};

/** Answers those who cannot be let in, before their body is read: nothing of it is taken. */
export const admitOrders =
  (mode: string, intakes: Intakes, metrics: ApiMetrics) =>
  (_request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    intakes.admit(mode, (refusal) => {
      if (refusal === null) return done();
      const { reason, why } = refusal;
      metrics.rejected(mode, reason, 1);
      sendUnavailable(reply, reason.replaceAll("_", "-"), why ? `${why}; not taken` : DETAILS[reason]);
    });
  };

/** Answers 503 with the ids to send these orders again with; what is no `Unavailable` is a fault of ours. */
export const refuse = (
  reply: FastifyReply,
  error: unknown,
  ids: readonly string[],
  rejected?: readonly RejectedOrder[],
): FastifyReply => {
  if (!(error instanceof Unavailable)) throw error;
  const again =
    ids.length === 1
      ? "the same order may be sent again with the id as Idempotency-Key"
      : "the same orders may be sent again with these ids";
  return sendUnavailable(
    reply,
    error.reason.replaceAll("_", "-"),
    `${DETAILS[error.reason]}; ${again}`,
    ids,
    rejected,
  );
};

/** In words of ours: an error of a server may hold addresses. */
const DETAILS: Record<Unavailable["reason"], string> = {
  queue_full: "too many orders wait to be written; not taken",
  timeout: "waited too long to be written; not taken",
  backend_away: "the backend of this mode does not answer or refuses; nothing was confirmed",
  outcome_unknown: "the backend did not confirm in time; what was sent may or may not be taken",
  overloaded: "more requests come than this server can answer in time; not taken",
  lag: "too many orders wait to be counted; not taken",
  closing: "this server is stopping; not taken",
};
