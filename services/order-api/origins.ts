/** Which pages may use this API: its own, those of ALLOWED_ORIGINS, and programs, which send no Origin. */
import type { FastifyInstance } from "fastify";

/** A page may connect from the API's own host or from one that is allowed; `*` allows all. */
export const isAllowedOrigin = (
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean => {
  if (origin === undefined || isListed(origin, allowed)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
};

const isListed = (origin: string, allowed: readonly string[]): boolean =>
  allowed.includes("*") || allowed.includes(origin);

/**
 * Who may look is not who may order: `*` lets any page read, and only a page that is named send. A browser asks no leave
 * for POST itself but for its content type, and without one this API takes no order.
 */
const leaveFor = (origin: string, allowed: readonly string[]): Readonly<Record<string, string>> =>
  allowed.includes(origin)
    ? {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "content-type, idempotency-key, if-none-match",
      }
    : { "access-control-allow-methods": "GET", "access-control-allow-headers": "if-none-match" };

/** A browser asks before it sends JSON to another origin, and need not ask again for so long. */
const ASKED_AGAIN_AFTER_SECONDS = "600";

/**
 * Lets allowed pages read replies (CORS). Without ALLOWED_ORIGINS there is nothing to add, and no request pays for it:
 * a browser then keeps what this API says from pages of other origins.
 */
export const addOrigins = (app: FastifyInstance, allowed: readonly string[]): void => {
  if (allowed.length === 0) return;
  app.addHook("onSend", async (_request, reply) => {
    const others = reply.getHeader("vary");
    reply.header("vary", others === undefined ? "origin" : `${others}, origin`);
  });
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) return done();
    if (!isListed(origin, allowed)) return done();
    reply.header("access-control-allow-origin", origin);
    reply.header("access-control-expose-headers", "etag, link, location, retry-after, idempotency-replayed");
    if (request.method !== "OPTIONS") return done();
    reply
      .headers(leaveFor(origin, allowed))
      .header("access-control-max-age", ASKED_AGAIN_AFTER_SECONDS)
      .code(204)
      .send();
  });
};
