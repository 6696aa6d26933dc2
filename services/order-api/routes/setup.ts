import type { FastifyInstance } from "fastify";
import { MOST_NAMES_TOLD, type Setup, setupReply } from "#shared/wire/operations.ts";

/** GET /api/setup: how this process is set up. */
export const addSetupRoute = (app: FastifyInstance, setup: () => Setup): void => {
  app.get("/api/setup", { schema: { response: { 200: setupReply } } }, (_request, reply) =>
    reply.header("cache-control", "no-cache").send(setup()),
  );
};

export const namesTold = (names: readonly string[]): Setup["stores"] => ({
  count: names.length,
  names: names.slice(0, MOST_NAMES_TOLD),
});
