/**
 * Who may use which route, where ACCESS=tokens. A route lists rights in its `config.access`, one of which is required; a
 * route without a list is open to all: probes, the page's files, and the documents. With ACCESS=open no request pays for it.
 */
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import type { WebSocket } from "ws";
import { type Grant, MAX_TOKENS, type Right, type Tokens } from "#shared/access/tokens.ts";
import { bearerProtocol } from "#shared/wire/dashboard.ts";
import { PROBLEMS, type Problem, problemOf, sendProblem } from "./problems.ts";
import { CLOSE } from "./sockets.ts";

/** What a route needs: one of the rights and, for orders, the mode. */
export type RouteAccess = { readonly rights: readonly Right[]; readonly mode?: string };

declare module "fastify" {
  interface FastifyContextConfig {
    readonly access?: RouteAccess;
  }
  interface FastifyRequest {
    grant: Grant | null;
  }
}

export const DENIAL_REASONS = ["missing", "unknown", "forbidden", "rate_limited"] as const;
export type DenialReason = (typeof DENIAL_REASONS)[number];

export type AccessOptions = {
  /** As they are now: a file of tokens may be replaced while the process runs. */
  readonly tokens: () => Tokens;
  /** Calls `changed` whenever they have been replaced. */
  readonly onChange: (changed: () => void) => void;
  readonly denied: (reason: DenialReason) => void;
  /** Whether /metrics needs a token that may `operate`. */
  readonly protectsMetrics: boolean;
};

const MINUTE_MS = 60_000;

/** What WebSockets need besides the check of their upgrade. */
export type Access = {
  /** Closes the socket when the token of its request is removed, or may no longer use the route. */
  watchSocket(socket: WebSocket, request: FastifyRequest): void;
  /** Counts each frame as a request of the token; resolves with how many of them are within its limit. */
  limitFrames(request: FastifyRequest, frames: number): FramesAllowed | Promise<FramesAllowed>;
};

/** `retryAfterSeconds`: when the token may send again. */
export type FramesAllowed = { readonly allowed: number; readonly retryAfterSeconds: number };

export const OPEN_ACCESS: Access = {
  watchSocket: () => undefined,
  limitFrames: (_request, frames) => ({ allowed: frames, retryAfterSeconds: 0 }),
};

/** Called before the routes are added: it guards only those that are added later. */
export const addAccess = async (
  app: FastifyInstance,
  { tokens, denied, onChange }: AccessOptions,
): Promise<Access> => {
  app.decorateRequest("grant", null);
  await app.register(rateLimit, {
    global: false,
    enableDraftSpec: true,
    timeWindow: MINUTE_MS,
    // one for each token: a forgotten one would begin a new minute
    cache: MAX_TOKENS,
    max: ({ grant }) => grant?.requestsPerMinute ?? 0,
    keyGenerator: ({ grant }) => grant?.name ?? "",
    errorResponseBuilder: () => new RateLimited(),
  });
  const limit = app.rateLimit();
  const countRequest = app.createRateLimit();

  const holderOf = openHolders(tokens);
  const check =
    (route: RouteAccess) =>
    (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
      const { token, grant } = holderOf(request);
      const denial = denialOf(token, grant, route);
      if (denial !== null) {
        denied(denial.reason);
        reply.header("www-authenticate", `Bearer realm="coffee-rt"${denial.challenge}`);
        sendProblem(reply, denial.problem);
      } else if (grant?.requestsPerMinute) {
        request.grant = grant;
        limit.call(app, request, reply).then(() => done(), rejected(done));
      } else done();
    };

  const rejected = (done: (error: Error) => void) => (error: Error) => {
    if (error instanceof RateLimited) denied("rate_limited");
    done(error);
  };

  app.addHook("onRoute", (route: RouteOptions) => {
    if (!route.config?.access) return;
    route.onRequest = [check(route.config.access), ...[route.onRequest ?? []].flat()];
  });

  const watched = new Map<WebSocket, FastifyRequest>();
  const closeUnlessAllowed = (socket: WebSocket, request: FastifyRequest): void => {
    const { token, grant } = holderOf(request);
    const route = request.routeOptions.config.access;
    if (route && denialOf(token, grant, route) !== null) socket.close(CLOSE.policy, "token no longer valid");
  };
  onChange(() => {
    for (const [socket, request] of watched) closeUnlessAllowed(socket, request);
  });
  const watchSocket = (socket: WebSocket, request: FastifyRequest): void => {
    watched.set(socket, request);
    socket.once("close", () => watched.delete(socket));
    // it may have been removed during the upgrade
    closeUnlessAllowed(socket, request);
  };

  const limitFrames = (request: FastifyRequest, frames: number): FramesAllowed | Promise<FramesAllowed> => {
    const { grant } = holderOf(request);
    if (!grant?.requestsPerMinute) return { allowed: frames, retryAfterSeconds: 0 };
    request.grant = grant;
    return countFrames(request, frames);
  };
  const countFrames = async (request: FastifyRequest, frames: number): Promise<FramesAllowed> => {
    let retryAfterSeconds = 0;
    let allowed = 0;
    for (let frame = 0; frame < frames; frame++) {
      const counted = await countRequest(request);
      if (counted.isAllowed) continue;
      if (!counted.isExceeded) allowed++;
      else denied("rate_limited");
      retryAfterSeconds = counted.ttlInSeconds;
    }
    return { allowed, retryAfterSeconds };
  };
  return { watchSocket, limitFrames };
};

type Denial = { readonly reason: DenialReason; readonly challenge: string; readonly problem: Problem };

/** Why the holder of a token may not use a route, with the challenge of RFC 6750; null when it may. */
const denialOf = (
  token: string | null,
  grant: Grant | null,
  { rights, mode }: RouteAccess,
): Denial | null => {
  if (token === null) return { reason: "missing", challenge: "", problem: problemOf("unauthorized") };
  if (grant === null)
    return {
      reason: "unknown",
      challenge: ', error="invalid_token"',
      problem: problemOf("unauthorized", { detail: "this token is not valid here" }),
    };
  const hasRight = rights.some((right) => grant.may.has(right));
  if (hasRight && (mode === undefined || grant.modes === null || grant.modes.has(mode))) return null;
  const missing = hasRight ? `may not use ${mode}` : `may not ${rights.join(" or ")}`;
  return {
    reason: "forbidden",
    challenge: `, error="insufficient_scope", scope="${rights.join(" ")}"`,
    problem: problemOf("forbidden", { detail: `the token "${grant.name}" ${missing}` }),
  };
};

/** An error of Fastify's kind: `handleError` answers it. */
class RateLimited extends Error {
  readonly statusCode = 429;
  constructor() {
    super(PROBLEMS["rate-limited"].detail);
  }
}

type Holder = { readonly token: string | null; readonly grant: Grant | null };

/**
 * Who sends a request. A client sends the same header with each request of a connection, so the hash is made once for a
 * connection: it would be 1 % of the cost of an order.
 */
const openHolders = (tokens: () => Tokens): ((request: FastifyRequest) => Holder) => {
  const known = new WeakMap<object, Holder & { readonly header: string; readonly of: Tokens }>();
  return (request) => {
    const header = request.headers.authorization;
    const { socket } = request.raw;
    const before = known.get(socket);
    if (before !== undefined && before.header === header && before.of === tokens()) return before;
    const token = tokenIn(request);
    const holder = { token, grant: token === null ? null : tokens().grantOf(token) };
    if (header !== undefined) known.set(socket, { ...holder, header, of: tokens() });
    return holder;
  };
};

/**
 * Of `Authorization: Bearer …` or, for a WebSocket of a page, of the subprotocol `bearer.…`. Another scheme is that of a
 * proxy in front.
 */
const tokenIn = ({ headers }: FastifyRequest): string | null => {
  const { authorization } = headers;
  const bearer = authorization === undefined ? null : /^bearer[ \t]*(.*?)[ \t]*$/i.exec(authorization);
  if (bearer) return bearer[1] ?? "";
  const prefix = bearerProtocol("");
  const offered = headers["sec-websocket-protocol"]?.split(",").map((each) => each.trim());
  const found = offered?.find((each) => each.startsWith(prefix))?.slice(prefix.length);
  return found ?? (authorization === undefined ? null : "");
};
