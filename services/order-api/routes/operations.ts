import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { Intakes } from "../intakes.ts";
import { retryAfterSeconds } from "../problems.ts";

export type OperationsRoutes = {
  readonly registry: Registry;
  readonly intakes: Intakes;
  readonly databaseState: () => "ok" | "away";
  readonly boardIsConnected: () => boolean;
  readonly isStopping: () => boolean;
  /** Whether it needs a token that may `operate`. */
  readonly protectsMetrics: boolean;
};

/** /livez, /readyz and /metrics. Readiness is what the polls found last; it connects to no server. */
export const addOperationsRoutes = (app: FastifyInstance, routes: OperationsRoutes): void => {
  app.get("/livez", async () => ({ alive: true }));
  app.get("/readyz", (_request, reply) => {
    const modes: Record<string, object> = {};
    const statuses = routes.intakes.statuses();
    for (const [mode, state] of routes.intakes.states())
      modes[mode] = { health: statuses[mode]?.health, ...(state.reason && { reason: state.reason }) };
    const stopping = routes.isStopping();
    const ready = !stopping && Object.values(statuses).some(({ health }) => health === "ok");
    if (!ready) reply.header("retry-after", retryAfterSeconds());
    return reply.code(ready ? 200 : 503).send({
      ready,
      stopping,
      modes,
      servers: { postgresql: routes.databaseState(), board_redis: routes.boardIsConnected() ? "ok" : "away" },
    });
  });
  const config = routes.protectsMetrics ? { access: { rights: ["operate"] as const } } : {};
  app.get("/metrics", { config }, async (_request, reply) =>
    reply.type(routes.registry.contentType).send(await routes.registry.metrics()),
  );
};
