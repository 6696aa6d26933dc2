import type { Server } from "node:http";
import websocket from "@fastify/websocket";
import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { Registry } from "prom-client";
import type { WebSocket } from "ws";
import { modes as allModes } from "#shared/modes/all.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { Setup } from "#shared/wire/operations.ts";
import { type AccessOptions, addAccess, OPEN_ACCESS } from "./access.ts";
import { rejectConnection } from "./connection-errors.ts";
import { addOpenApi } from "./contract/openapi.ts";
import type { Fanout } from "./fanout/fanout.ts";
import { openFrameGroups } from "./frame-groups.ts";
import { addCors } from "./headers.ts";
import { closeIdleConnections } from "./idle-connections.ts";
import type { Intakes } from "./intakes.ts";
import type { LiveCatalogue } from "./live-catalogue.ts";
import { addMethodRules } from "./methods.ts";
import type { ApiMetrics } from "./metrics.ts";
import { handleError, REQUEST_TIMEOUT_SECONDS, sendUnavailable } from "./problems.ts";
import { addBatchRoutes } from "./routes/batches.ts";
import { addCatalogueRoutes } from "./routes/catalogue.ts";
import { addDashboardRoutes } from "./routes/dashboard.ts";
import { addOperationsRoutes } from "./routes/operations.ts";
import { addOrderSockets } from "./routes/order-sockets.ts";
import { addOrderRoutes, addOrderStatusRoute } from "./routes/orders.ts";
import { addPageRoutes } from "./routes/page.ts";
import { addSalesRoute } from "./routes/sales.ts";
import { CLOSE, openSockets, SOCKET_OPTIONS } from "./sockets.ts";

export type AppParts = {
  readonly log: FastifyBaseLogger;
  readonly rules: { readonly catalogue: LiveCatalogue; readonly maxEventAgeDays: number };
  readonly intakes: Intakes;
  readonly fanout: Fanout;
  readonly metrics: ApiMetrics;
  readonly registry: Registry;
  readonly pool: Pool;
  readonly databaseState: () => "ok" | "away";
  readonly boardIsConnected: () => boolean;
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
  /** Null where every route is open. */
  readonly access: AccessOptions | null;
  readonly setup: () => Setup;
  /** Where the built dashboard is, or will be; absolute. */
  readonly pageFolder: string;
};

/** One order is a few hundred bytes; batches have a limit of their own. */
const MAX_BODY_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = REQUEST_TIMEOUT_SECONDS * 1_000;
/** Node looks for slow requests this often; its default is every 30 s. */
const TIMEOUT_CHECK_MS = 1_000;

/** These are answered while the process stops, from its last known state. */
const PROBES = new Set(["/livez", "/readyz", "/metrics"]);

/** The HTTP application: routes over parts that the caller opens and closes. */
export const buildApp = async (parts: AppParts): Promise<FastifyInstance> => {
  const app: FastifyInstance = fastify(optionsFor(parts.log));
  closeIdleConnections(app.server);
  const sockets = openSockets(parts.metrics);
  const frameGroups = openFrameGroups();
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
    parts.fanout.close();
    sockets.close();
    releaseConnections(app);
    // before the hook of @fastify/websocket, which closes all sockets
    await frameGroups.close();
  });
  // fastify would parse text as a body; an order is JSON or 415
  app.removeContentTypeParser("text/plain");
  await app.register(websocket, {
    options: SOCKET_OPTIONS,
    errorHandler: handleSocketError,
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (request.ws) closeIfRejected(request, reply);
    if (!stopping) return done();
    reply.header("connection", "close");
    if (PROBES.has(request.url)) return done();
    sendUnavailable(reply, "closing");
  });
  addCors(app, parts.allowedOrigins);
  addMethodRules(app);
  app.setErrorHandler(handleError);
  app.addHook("onResponse", (request, reply, done) => {
    const endpoint = request.routeOptions.url ?? "none";
    parts.metrics.answered(request.method, endpoint, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  const access = parts.access === null ? OPEN_ACCESS : await addAccess(app, parts.access);
  await addOpenApi(app, {
    modes: parts.intakes.modes,
    names: () => parts.rules.catalogue,
    needsTokens: parts.access !== null,
  });
  const modeNames = parts.intakes.modes.map((mode) => mode.name);
  addOrderRoutes(app, parts);
  // in a scope of its own: no other route takes NDJSON
  await app.register(async (scope) => addBatchRoutes(scope, parts));
  addOrderSockets(app, { ...parts, access, sockets, frameGroups });
  addDashboardRoutes(app, { ...parts, modeNames, access, sockets });
  addOrderStatusRoute(app, parts.pool);
  addCatalogueRoutes(app, parts.rules.catalogue);
  // the history has modes that no longer run here
  addSalesRoute(
    app,
    parts.pool,
    allModes.map((mode) => mode.name),
  );
  await addPageRoutes(app, parts.pageFolder);
  addOperationsRoutes(app, {
    ...parts,
    protectsMetrics: parts.access?.protectsMetrics ?? false,
    isStopping: () => stopping,
  });
  return app;
};

const optionsFor = (log: FastifyBaseLogger): FastifyHttpOptions<Server> => ({
  loggerInstance: withoutChildren(log),
  // a line per order would cost more than the order
  logController: new LogController({ disableRequestLogging: true }),
  bodyLimit: MAX_BODY_BYTES,
  // errors before a route is reached are problems like any other
  frameworkErrors: handleError,
  clientErrorHandler: rejectConnection,
  return503OnClosing: false,
  // some clients offer HTTP/2 with every request; unless they want a WebSocket the answer is HTTP/1.1
  http: {
    shouldUpgradeCallback: ({ headers }) => /^websocket$/i.test(headers.upgrade ?? ""),
    // Node swaps the two where this one is longer: by its default of 60 s, bodies had 60 s and headers 30 s
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  },
  requestTimeout: REQUEST_TIMEOUT_MS,
  ajv: { customOptions: { coerceTypes: false, allErrors: true, removeAdditional: false, verbose: true } },
});

/**
 * Requests share one logger: a message names its request, and a logger of its own would cost 2 % of an order. Not by
 * `childLoggerFactory`, whose loggers Fastify validates for each request.
 */
const withoutChildren = (log: FastifyBaseLogger): FastifyBaseLogger => {
  const shared: FastifyBaseLogger = Object.create(log, { child: { value: () => shared } });
  return shared;
};

/**
 * Node reads no further requests from a connection that asked for an upgrade. One that was answered in HTTP instead would stay
 * open: the client's next request on it would get no reply, and the process could not stop.
 */
const closeIfRejected = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.header("connection", "close");
  reply.raw.once("finish", () => request.raw.socket.destroySoon());
};

/** When a client breaks the WebSocket protocol (too long, not UTF-8), ws closes the socket; other errors are bugs. */
const handleSocketError = (error: Error, socket: WebSocket, request: FastifyRequest): void => {
  const isByClient = "code" in error && String(error.code).startsWith("WS_ERR_");
  if (isByClient) return;
  request.log.error({ err: error }, "WebSocket failed");
  socket.close(CLOSE.internal, "internal error");
};

const IDLE_CHECK_MS = 50;
/** Every request is decided within 2 s. */
const LAST_REPLY_MS = 2_500;

/**
 * Lets pending replies go out and then closes what would hold the server: keep-alive connections that become idle only
 * now, and ones that never sent a request, which Node does not call idle. Closing the server alone leaves connections that
 * came by other sockets (listen.ts).
 */
const releaseConnections = (app: FastifyInstance): void => {
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
  const rest = setTimeout(() => {
    clearInterval(idle);
    app.server.closeAllConnections();
  }, LAST_REPLY_MS);
  // the open connections keep the process alive, not these timers
  for (const timer of [idle, rest]) timer.unref();
};
