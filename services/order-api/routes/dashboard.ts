import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { type Setup, setupReply } from "#shared/wire/operations.ts";
import { modeFilter } from "#shared/wire/sales.ts";
import type { Access } from "../access.ts";
import type { Fanout } from "../fanout/fanout.ts";
import { socketRoute, type UpgradeRules } from "../sockets.ts";

export type DashboardRoutes = UpgradeRules & {
  readonly fanout: Fanout;
  readonly modeNames: readonly string[];
  readonly setup: () => Setup;
  readonly access: Access;
};

type Filter = { Querystring: { mode?: string } };

/** GET /api/dashboard and the WebSocket /ws/dashboard, both with `?mode=`, and GET /api/setup. */
export const addDashboardRoutes = (app: FastifyInstance, routes: DashboardRoutes): void => {
  const { fanout, modeNames } = routes;
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
    { schema, config, ...socketRoute(routes, "GET /api/dashboard returns the same once") },
    (socket, request) => {
      routes.sockets.add(socket);
      routes.access.watchSocket(socket, request);
      fanout.follow(socket, request.query.mode ?? "all");
    },
  );
  app.get("/api/setup", { schema: { response: { 200: setupReply } }, config }, (_request, reply) =>
    reply.header("cache-control", "no-cache").send(routes.setup()),
  );
};
