import websocket from "@fastify/websocket";
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import type { Registry } from "prom-client";
import type { WebSocket } from "ws";
import type { OrderRules } from "#shared/domain/order.ts";
import { modes as allModes } from "#shared/modes/all.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { Setup } from "#shared/wire/operations.ts";
import { addOpenApi } from "./contract/openapi.ts";
import { CLOSE, SOCKET_OPTIONS } from "./fanout/sockets.ts";
import type { Fanout } from "./fanout.ts";
import type { Intakes } from "./intakes.ts";
import type { ApiMetrics } from "./metrics.ts";
import { addOrigins } from "./origins.ts";
import { openPageFiles } from "./page-files.ts";
import { handleError, handleNotFound, refuseConnection, sendUnavailable } from "./problem.ts";
import { addBatchRoutes } from "./routes/batches.ts";
import { addDashboardRoutes } from "./routes/dashboard.ts";
import { addOperationsRoutes } from "./routes/operations.ts";
import { addOrderStatusRoute } from "./routes/order-status.ts";
import { addOrderRoutes } from "./routes/orders.ts";
import { addPageRoutes } from "./routes/page.ts";
import { addSalesRoute } from "./routes/sales.ts";
import { addSetupRoute } from "./routes/setup.ts";

export type AppParts = {
  readonly log: FastifyBaseLogger;
  readonly rules: OrderRules;
  readonly intakes: Intakes;
  readonly fanout: Fanout;
  readonly metrics: ApiMetrics;
  readonly registry: Registry;
  readonly pool: Pool;
  readonly databaseState: () => "ok" | "away";
  readonly boardIsConnected: () => boolean;
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
  readonly setup: () => Setup;
  /** Where the built dashboard is, or will be. */
  readonly pageFolder: string;
};

/** One order is a few hundred bytes; batches have a limit of their own. */
const MOST_BODY_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 30_000;

/** Those who ask these want to know that it is stopping. */
const PROBES = new Set(["/livez", "/readyz", "/metrics"]);

/** The HTTP application: routes over parts that somebody else opened and will close. */
export const buildApp = async (parts: AppParts): Promise<FastifyInstance> => {
  const app: FastifyInstance = fastify({
    loggerInstance: parts.log,
    // a line per order would cost more than the order
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MOST_BODY_BYTES,
    // nor is a logger made for each request: those that do log say what it is about
    childLoggerFactory: (logger) => logger,
    // what fails before a route is reached is a problem like any other
    frameworkErrors: handleError,
    clientErrorHandler: refuseConnection,
    return503OnClosing: false,
    // some clients offer HTTP/2 with every request; whoever wants no WebSocket is answered by HTTP/1.1
    http: { shouldUpgradeCallback: ({ headers }) => /^websocket$/i.test(headers.upgrade ?? "") },
    requestTimeout: REQUEST_TIMEOUT_MS,
    ajv: { customOptions: { coerceTypes: false, allErrors: true, removeAdditional: false, verbose: true } },
  });
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
    parts.fanout.close();
    releaseConnections(app);
  });
  // fastify would take a text for a body; an order is JSON or 415
  app.removeContentTypeParser("text/plain");
  app.addHook("onRequest", (request, reply, done) => {
    if (!stopping) return done();
    reply.header("connection", "close");
    if (PROBES.has(request.url)) return done();
    sendUnavailable(reply, "closing", "this server is stopping");
  });
  addOrigins(app, parts.allowedOrigins);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(handleNotFound);
  app.addHook("onResponse", (request, reply, done) => {
    const endpoint = request.routeOptions.url ?? "none";
    parts.metrics.answered(request.method, endpoint, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  await app.register(websocket, {
    options: SOCKET_OPTIONS,
    errorHandler: handleSocketError,
  });
  await addOpenApi(app, parts.intakes.modes);
  const modeNames = parts.intakes.modes.map((mode) => mode.name);
  addOrderRoutes(app, parts);
  // in a scope of its own: nothing else takes NDJSON
  await app.register(async (scope) => addBatchRoutes(scope, parts));
  addDashboardRoutes(app, { ...parts, modeNames });
  addOrderStatusRoute(app, parts.pool);
  // the history outlives the modes that run
  addSalesRoute(
    app,
    parts.pool,
    allModes.map((mode) => mode.name),
  );
  addSetupRoute(app, parts.setup);
  addPageRoutes(app, openPageFiles(parts.pageFolder));
  addOperationsRoutes(app, { ...parts, isStopping: () => stopping });
  return app;
};

/** A client that breaks the WebSocket protocol (too long, not UTF-8) is being told so by ws; the rest is our fault. */
const handleSocketError = (error: Error, socket: WebSocket, request: FastifyRequest): void => {
  const isClients = "code" in error && String(error.code).startsWith("WS_ERR_");
  if (isClients) return;
  request.log.error({ err: error }, "a dashboard's connection failed");
  socket.close(CLOSE.internal, "internal error");
};

const IDLE_CHECK_MS = 50;
/** Every request is decided within 2 s. */
const LAST_REPLY_MS = 2_500;

/**
 * Lets the replies in hand go out and then ends what would hold the server: keep-alive connections that become idle
 * only now, and ones that never sent a request, which Node does not call idle. The server's own end says nothing of
 * connections that came by other sockets (listen.ts).
 */
const releaseConnections = (app: FastifyInstance): void => {
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
  const rest = setTimeout(() => {
    clearInterval(idle);
    app.server.closeAllConnections();
  }, LAST_REPLY_MS);
  // whoever waits for connections is held by these themselves
  for (const timer of [idle, rest]) timer.unref();
};
