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
import { modes as allModes } from "#shared/modes/all.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { Setup } from "#shared/wire/operations.ts";
import { type AccessOptions, addAccess } from "./access.ts";
import { rejectConnection } from "./connection-errors.ts";
import { addOpenApi } from "./contract/openapi.ts";
import type { Fanout } from "./fanout/fanout.ts";
import { CLOSE, SOCKET_OPTIONS } from "./fanout/sockets.ts";
import { addCors } from "./headers.ts";
import type { Intakes } from "./intakes.ts";
import type { LiveCatalogue } from "./live-catalogue.ts";
import { addMethodRules } from "./methods.ts";
import type { ApiMetrics } from "./metrics.ts";
import { handleError, REQUEST_TIMEOUT_SECONDS, sendUnavailable } from "./problems.ts";
import { addBatchRoutes } from "./routes/batches.ts";
import { addCatalogueRoutes } from "./routes/catalogue.ts";
import { addDashboardRoutes } from "./routes/dashboard.ts";
import { addOperationsRoutes } from "./routes/operations.ts";
import { addOrderRoutes, addOrderStatusRoute } from "./routes/orders.ts";
import { addPageRoutes } from "./routes/page.ts";
import { addSalesRoute } from "./routes/sales.ts";

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
  const app: FastifyInstance = fastify({
    loggerInstance: withoutChildren(parts.log),
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
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
    parts.fanout.close();
    releaseConnections(app);
  });
  // fastify would parse text as a body; an order is JSON or 415
  app.removeContentTypeParser("text/plain");
  app.addHook("onRequest", (request, reply, done) => {
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
  await app.register(websocket, {
    options: SOCKET_OPTIONS,
    errorHandler: handleSocketError,
  });
  const watchSocket = parts.access === null ? () => undefined : await addAccess(app, parts.access);
  await addOpenApi(app, {
    modes: parts.intakes.modes,
    names: () => parts.rules.catalogue,
    needsTokens: parts.access !== null,
  });
  const modeNames = parts.intakes.modes.map((mode) => mode.name);
  addOrderRoutes(app, parts);
  // in a scope of its own: no other route takes NDJSON
  await app.register(async (scope) => addBatchRoutes(scope, parts));
  addDashboardRoutes(app, { ...parts, modeNames, watchSocket });
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

/**
 * Requests share one logger: a message names its request, and a logger of its own would cost 2 % of an order. Not by
 * `childLoggerFactory`, whose loggers Fastify validates for each request.
 */
const withoutChildren = (log: FastifyBaseLogger): FastifyBaseLogger => {
  const shared: FastifyBaseLogger = Object.create(log, { child: { value: () => shared } });
  return shared;
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
