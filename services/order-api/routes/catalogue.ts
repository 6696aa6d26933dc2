import type { FastifyInstance } from "fastify";
import type { Names } from "#shared/domain/catalogue.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { catalogueReply, MAX_CATALOGUE_BYTES, namesAdded, namesToAdd } from "#shared/wire/catalogue.ts";
import { JSON_TYPE } from "#shared/wire/orders.ts";
import { bodyErrors, decompress } from "../bodies.ts";
import type { LiveCatalogue } from "../live-catalogue.ts";
import { invalid, sendProblem, sendUnavailable } from "../problems.ts";
import { sendTagged } from "../tagged.ts";

/** GET and POST /api/catalogue: the names that orders may use, and more of them, without a restart. */
export const addCatalogueRoutes = (app: FastifyInstance, catalogue: LiveCatalogue): void => {
  app.get(
    "/api/catalogue",
    {
      schema: { response: { 200: catalogueReply } },
      config: { access: { rights: ["read", "write", "operate"] } },
    },
    (request, reply) => sendTagged(request, reply, catalogue.json()),
  );
  app.post<{ Body: Partial<Names> }>(
    "/api/catalogue",
    {
      schema: { body: namesToAdd, response: { 200: namesAdded } },
      config: { access: { rights: ["operate"] } },
      bodyLimit: MAX_CATALOGUE_BYTES,
      errorHandler: bodyErrors([JSON_TYPE]),
      preParsing: decompress,
    },
    async (request, reply) => {
      const { stores = [], drinks = [] } = request.body;
      try {
        const result = await catalogue.add({ stores, drinks });
        return "errors" in result ? sendProblem(reply, invalid(result.errors)) : result;
      } catch (error) {
        request.log.warn({ reason: messageOf(error) }, "catalogue not extended");
        const detail = "PostgreSQL is unreachable or refuses; added names are in PostgreSQL alone";
        return sendUnavailable(reply, "backend-away", { detail });
      }
    },
  );
};
