import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { Pool } from "#shared/store/pool.ts";
import type { Intakes } from "../intakes.ts";
import { retryAfterSeconds } from "../problem.ts";

export type OperationsRoutes = {
  readonly registry: Registry;
  readonly intakes: Intakes;
  readonly databaseState: () => "ok" | "away";
  readonly boardIsConnected: () => boolean;
  readonly isStopping: () => boolean;
};

/** /livez, /readyz and /metrics. Readiness reads what the polls know; it asks no server. */
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
  app.get("/metrics", async (_request, reply) =>
    reply.type(routes.registry.contentType).send(await routes.registry.metrics()),
  );
};

/** Whether PostgreSQL answers reads, asked in the background so that nobody waits for it. */
export const watchDatabase = (pool: Pool, everyMs: number): { state(): "ok" | "away"; close(): void } => {
  let state: "ok" | "away" = "away";
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    try {
      await pool.query("SELECT 1");
      state = "ok";
    } catch {
      // the answer is the state; the reason is in the log of whoever needs the database
      state = "away";
    }
    if (!closed) timer = setTimeout(look, everyMs);
  };
  void look();
  return {
    state: () => state,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
};
