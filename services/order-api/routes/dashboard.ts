import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type Setup, setupReply } from "#shared/wire/operations.ts";
import { modeFilter } from "#shared/wire/sales.ts";
import type { WatchSocket } from "../access.ts";
import type { Fanout } from "../fanout/fanout.ts";
import { isAllowedOrigin } from "../headers.ts";
import { problemOf, sendProblem, sendUnavailable } from "../problems.ts";

export type DashboardRoutes = {
  readonly fanout: Fanout;
  readonly modeNames: readonly string[];
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
  readonly setup: () => Setup;
  readonly watchSocket: WatchSocket;
};

type Filter = { Querystring: { mode?: string } };

/** GET /api/dashboard and the WebSocket /ws/dashboard, both with `?mode=`, and GET /api/setup. */
export const addDashboardRoutes = (app: FastifyInstance, routes: DashboardRoutes): void => {
  const { fanout, modeNames } = routes;
  /** A WebSocket is rejected before the upgrade, in HTTP. */
  const admitSocket = async (request: FastifyRequest<Filter>, reply: FastifyReply): Promise<void> => {
    if (!isAllowedOrigin(request.headers, routes.allowedOrigins))
      await sendProblem(reply, problemOf("origin"));
    else if (fanout.sockets() >= routes.maxSockets) await sendUnavailable(reply, "too-many-sockets");
  };

  const expectUpgrade = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (request.ws) done();
    else
      sendProblem(
        reply.headers({ upgrade: "websocket", connection: "upgrade" }),
        problemOf("upgrade-required"),
      );
  };

  const querystring = Type.Object(
    { mode: Type.Optional(modeFilter(modeNames)) },
    { additionalProperties: false },
  );
  const schema = { querystring };
  const config = { access: { rights: ["read"] as const } };
  app.get<Filter>("/api/dashboard", { schema, config }, (request, reply) =>
    reply
      .type("application/json; charset=utf-8")
      .header("cache-control", "no-store")
      .send(fanout.text(request.query.mode ?? "all")),
  );
  app.get<Filter>(
    "/ws/dashboard",
    { schema, config, websocket: true, onRequest: expectUpgrade, preHandler: admitSocket },
    (socket, request) => {
      routes.watchSocket(socket, request);
      fanout.follow(socket, request.query.mode ?? "all");
    },
  );
  app.get("/api/setup", { schema: { response: { 200: setupReply } }, config }, (_request, reply) =>
    reply.header("cache-control", "no-cache").send(routes.setup()),
  );
};
