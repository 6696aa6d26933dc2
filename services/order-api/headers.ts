/** Headers that several routes share: ETag, CORS for pages of other origins, and those of a proxy. */
import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
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
export const isAmong = (given: string | undefined, tag: string): boolean =>
  (given ?? "").split(",").some((each) => ["*", tag].includes(each.trim().replace(/^W\//, "")));

/**
 * Whether a page may open a WebSocket: one of the API's own host, or of an allowed origin; `*` allows all. Programs send
 * no Origin and are allowed. A proxy that replaces Host sends the browser's in X-Forwarded-Host, which no page can set for
 * a WebSocket.
 */
export const isAllowedOrigin = (
  { origin, host, "x-forwarded-host": forwarded }: IncomingHttpHeaders,
  allowed: readonly string[],
): boolean => {
  if (origin === undefined || isListed(origin, allowed)) return true;
  if (!URL.canParse(origin)) return false;
  const [browsers] = String(forwarded ?? "").split(",", 1);
  return [host, browsers?.trim()].includes(new URL(origin).host);
};

/** Segments of letters, digits and marks that a URL leaves as they are; none of them is `.` or `..`, or empty. */
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/;
const MAX_PREFIX_LENGTH = 200;

/**
 * The path under which a proxy serves the API, from X-Forwarded-Prefix: empty without one. A client can send this header
 * too, so anything that could lead to another host (`//evil.example`) or is not a plain path counts as no prefix.
 */
export const forwardedPrefix = ({ "x-forwarded-prefix": given }: IncomingHttpHeaders): string => {
  if (given === undefined) return "";
  // of several proxies the outermost is first
  const parts = String(given).split(",");
  const prefix = parts.map((part) => part.trim().replace(/\/$/, "")).join("");
  return prefix.length <= MAX_PREFIX_LENGTH && PREFIX.test(prefix) ? prefix : "";
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
        "access-control-allow-headers":
          "authorization, content-encoding, content-type, idempotency-key, if-none-match",
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
