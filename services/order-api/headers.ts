/** Headers that several routes share: ETag, and CORS for pages of other origins. */
import { hash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * An `onSend` hook: tags a 200 with the hash of its bytes, and answers 304 to a client that has them already. The data is
 * read all the same. The version of the rollups would be cheaper to compare, but it changes with every order of any hour.
 */
export const addEtag = async (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> => {
  if (reply.statusCode !== 200 || typeof payload !== "string") return payload;
  const tag = `"${hash("sha256", payload, "base64url")}"`;
  reply.header("etag", tag);
  if (!isAmong(request.headers["if-none-match"], tag)) return payload;
  for (const name of ["content-type", "content-length", "content-disposition", "link"])
    reply.removeHeader(name);
  reply.code(304);
  return null;
};

/** RFC 9110, 13.1.2: a list of tags; weak ones are compared like strong ones. */
const isAmong = (given: string | undefined, tag: string): boolean =>
  (given ?? "").split(",").some((each) => ["*", tag].includes(each.trim().replace(/^W\//, "")));

/**
 * Whether a page may open a WebSocket: one of the API's own host, or of an allowed origin; `*` allows all. Programs send
 * no Origin and are allowed.
 */
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
 * `*` lets any page read; only a page that is named may send orders. A browser sends a preflight request for the content
 * type alone, and without one this API takes no order.
 */
const preflightHeaders = (origin: string, allowed: readonly string[]): Readonly<Record<string, string>> =>
  allowed.includes(origin)
    ? {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type, idempotency-key, if-none-match",
      }
    : {
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "authorization, if-none-match",
      };

const EXPOSED_HEADERS =
  "etag, link, location, retry-after, idempotency-replayed, www-authenticate, ratelimit-limit, ratelimit-remaining, ratelimit-reset";
const PREFLIGHT_VALID_SECONDS = "600";

/**
 * CORS: lets allowed pages read replies. Without ALLOWED_ORIGINS it adds no hook, and no request pays for it: the browser
 * then hides replies from pages of other origins.
 */
export const addCors = (app: FastifyInstance, allowed: readonly string[]): void => {
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
    reply.header("access-control-expose-headers", EXPOSED_HEADERS);
    if (request.method !== "OPTIONS") return done();
    reply
      .headers(preflightHeaders(origin, allowed))
      .header("access-control-max-age", PREFLIGHT_VALID_SECONDS)
      .code(204)
      .send();
  });
};
