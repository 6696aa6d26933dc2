import type { FastifyInstance } from "fastify";
import type { Names } from "#shared/domain/catalogue.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { catalogueReply, MAX_CATALOGUE_BYTES, namesAdded, namesToAdd } from "#shared/wire/catalogue.ts";
import { JSON_TYPE } from "#shared/wire/orders.ts";
import { bodyErrors, decompress } from "../bodies.ts";
import { addEtag } from "../headers.ts";
import type { LiveCatalogue } from "../live-catalogue.ts";
import { invalid, sendProblem, sendUnavailable } from "../problems.ts";

/** GET and POST /api/catalogue: the names that orders may use, and more of them, without a restart. */
export const addCatalogueRoutes = (app: FastifyInstance, catalogue: LiveCatalogue): void => {
  app.get(
    "/api/catalogue",
    {
      schema: { response: { 200: catalogueReply } },
      config: { access: { rights: ["read", "write", "operate"] } },
      onSend: addEtag,
    },
    (_request, reply) =>
      reply.header("cache-control", "no-cache").send({ stores: catalogue.stores, drinks: catalogue.drinks }),
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
      const problems = catalogue.problemsOf({ stores, drinks });
      if (problems.length > 0) return sendProblem(reply, invalid(problems));
      try {
        return { added: await catalogue.add({ stores, drinks }) };
      } catch (error) {
        request.log.warn({ reason: messageOf(error) }, "catalogue not extended");
        const detail = "PostgreSQL is unreachable or refuses; added names are in PostgreSQL alone";
        return sendUnavailable(reply, "backend-away", { detail });
      }
    },
  );
};
