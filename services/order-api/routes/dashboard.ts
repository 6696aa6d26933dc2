import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { Fanout } from "../fanout.ts";
import { isAllowedOrigin } from "../origins.ts";
import { invalid, sendProblem, sendUnavailable } from "../problem.ts";

export type DashboardRoutes = {
  readonly fanout: Fanout;
  readonly modeNames: readonly string[];
  readonly maxSockets: number;
  readonly allowedOrigins: readonly string[];
};

type Filter = { Querystring: { mode?: string } };

const filterQuery = Type.Object(
  { mode: Type.Optional(Type.String({ maxLength: 100 })) },
  { additionalProperties: false },
);

/** GET /api/dashboard and the WebSocket /ws/dashboard, both with `?mode=`. */
export const addDashboardRoutes = (app: FastifyInstance, routes: DashboardRoutes): void => {
  const { fanout, modeNames } = routes;
  const filters = ["all", ...modeNames];

  const checkFilter = async (request: FastifyRequest<Filter>, reply: FastifyReply): Promise<void> => {
    if (!filters.includes(request.query.mode ?? "all"))
      await sendProblem(reply, invalid([{ field: "mode", message: `must be one of ${filters.join(", ")}` }]));
  };

  /** Refusals are answered before the upgrade, in HTTP. */
  const admit = async (request: FastifyRequest<Filter>, reply: FastifyReply): Promise<void> => {
    if (!isAllowedOrigin(request.headers.origin, request.headers.host, routes.allowedOrigins)) {
      const detail = "pages of this origin may not open a WebSocket here; see ALLOWED_ORIGINS";
      await sendProblem(reply, { type: "origin", title: "Origin not allowed", status: 403, detail });
    } else if (fanout.sockets() >= routes.maxSockets)
      await sendUnavailable(reply, "too-many-sockets", "all WebSockets of this server are taken");
  };

  const schema = { querystring: filterQuery };
  app.get<Filter>("/api/dashboard", { schema, preHandler: checkFilter }, (request, reply) =>
    reply
      .type("application/json; charset=utf-8")
      .header("cache-control", "no-store")
      .send(fanout.text(request.query.mode ?? "all")),
  );
  app.get<Filter>(
    "/ws/dashboard",
    { schema, websocket: true, preHandler: [checkFilter, admit] },
    (socket, request) => fanout.follow(socket, request.query.mode ?? "all"),
  );
};
