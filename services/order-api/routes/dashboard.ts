import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type Setup, setupReply } from "#shared/wire/operations.ts";
import type { WatchSocket } from "../access.ts";
import type { Fanout } from "../fanout/fanout.ts";
import { isAllowedOrigin } from "../headers.ts";
import { invalid, problemOf, sendProblem, sendUnavailable } from "../problems.ts";

export type DashboardRoutes = {
  readonly fanout: Fanout;
  readonly modeNames: readonly string[];
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
  readonly setup: () => Setup;
  readonly watchSocket: WatchSocket;
};

type Filter = { Querystring: { mode?: string } };

const filterQuery = Type.Object(
  { mode: Type.Optional(Type.String({ maxLength: 100 })) },
  { additionalProperties: false },
);

/** GET /api/dashboard and the WebSocket /ws/dashboard, both with `?mode=`, and GET /api/setup. */
export const addDashboardRoutes = (app: FastifyInstance, routes: DashboardRoutes): void => {
  const { fanout, modeNames } = routes;
  const filters = ["all", ...modeNames];

  const checkFilter = async (request: FastifyRequest<Filter>, reply: FastifyReply): Promise<void> => {
    if (!filters.includes(request.query.mode ?? "all"))
      await sendProblem(reply, invalid([{ field: "mode", message: `must be one of ${filters.join(", ")}` }]));
  };

  /** A WebSocket is rejected before the upgrade, in HTTP. */
  const admitSocket = async (request: FastifyRequest<Filter>, reply: FastifyReply): Promise<void> => {
    if (!isAllowedOrigin(request.headers.origin, request.headers.host, routes.allowedOrigins))
      await sendProblem(reply, problemOf("origin"));
    else if (fanout.sockets() >= routes.maxSockets) await sendUnavailable(reply, "too-many-sockets");
  };

  const schema = { querystring: filterQuery };
  const config = { access: { rights: ["read"] as const } };
  app.get<Filter>("/api/dashboard", { schema, config, preHandler: checkFilter }, (request, reply) =>
    reply
      .type("application/json; charset=utf-8")
      .header("cache-control", "no-store")
      .send(fanout.text(request.query.mode ?? "all")),
  );
  app.get<Filter>(
    "/ws/dashboard",
    { schema, config, websocket: true, preHandler: [checkFilter, admitSocket] },
    (socket, request) => {
      routes.watchSocket(socket, request);
      fanout.follow(socket, request.query.mode ?? "all");
    },
  );
  app.get("/api/setup", { schema: { response: { 200: setupReply } }, config }, (_request, reply) =>
    reply.header("cache-control", "no-cache").send(routes.setup()),
  );
};
