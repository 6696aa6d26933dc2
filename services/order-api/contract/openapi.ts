/**
 * OpenAPI 3.1 at /openapi.json, made from the schemas by which the routes validate, with a page at /docs to read and
 * try it; both answer while every mode is down. The committed copy is docs/openapi.json.
 */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { Mode } from "#shared/ports.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { tagReply } from "../etag.ts";
import { asyncApi } from "./asyncapi.ts";
import type { Operation } from "./operation.ts";
import { operationsOf } from "./operations.ts";
import { componentsOf, published, type SchemaName } from "./schemas.ts";

/** `asyncApi` is where the other document is, from where this one is read. */
const infoFor = (asyncApi: string) => ({
  title: "Coffee-RT order API",
  version: packageJson.version,
  license: { name: packageJson.license, identifier: packageJson.license },
  description: `Takes coffee orders by interchangeable ingest modes and turns them into live sales metrics. The modes are
equal in everything but the transport.

Errors are \`application/problem+json\` (RFC 9457); \`type\` tells them apart and \`errors\` names each wrong field. What HTTP
itself refuses is a 4xx of type \`bad-request\`; a path that is none is a 404 of type \`not-found\`.

The dashboard as it changes comes by the WebSocket \`/ws/dashboard\`, which [AsyncAPI](${asyncApi}) describes.`,
});
const INFO = infoFor("asyncapi.json");

const TAGS = [
  { name: "orders", description: "Take orders in" },
  { name: "reading", description: "Read what was sold" },
  { name: "operations", description: "Watch the process" },
];

/** The page brings all it shows, and asks nobody else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What brings the document is not told in it, nor is the page. */
const NOT_TOLD = /^\/($|\*$|(docs|assets)(\/|$)|openapi\.json$|asyncapi\.json$|favicon\.svg$|theme\.js$)/;

const NAMES_IN_PATHS: readonly SchemaName[] = [
  "OrderRequest",
  "Order",
  "BatchOrder",
  "Batch",
  "OrderStatus",
  "Dashboard",
  "Sales",
  "Setup",
  "Readiness",
  "Problem",
];

/** Before the routes that it is to describe: it hears of each as it is added. */
export const addOpenApi = async (app: FastifyInstance, modes: readonly Mode[]): Promise<void> => {
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", info: INFO, tags: TAGS },
    // as the validators have it
    convertConstToEnum: false,
    // not as the route has it: the WebSocket's plugin hides the schema that it shares with /api/dashboard
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, hide: route.websocket === true || NOT_TOLD.test(url) },
      url,
    }),
    transformObject: (made) => {
      if (!("openapiObject" in made)) throw new Error("the document is of OpenAPI 3");
      return described(made.openapiObject as Document, operationsOf(modes));
    },
  });
  serveDocument(app, "/openapi.json", () => app.swagger());
  serveDocument(app, "/asyncapi.json", asyncApi);
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    uiConfig: {
      layout: "BaseLayout",
      docExpansion: "list",
      tryItOutEnabled: true,
      persistAuthorization: false,
    },
    theme: { title: INFO.title },
    staticCSP: PAGE_POLICY,
    // its own files, requests and links are found under whatever path a proxy serves the API
    transformSpecification: (document) => ({
      ...document,
      info: infoFor("../asyncapi.json"),
      servers: [{ url: ".." }],
    }),
    transformSpecificationClone: false,
    uiHooks: {
      onRequest: async (request, reply) => {
        if (/^\/docs(\?|$)/.test(request.url)) return reply.redirect("docs/");
      },
    },
  });
};

/** Made when somebody asks first. */
const serveDocument = (app: FastifyInstance, path: string, make: () => object): void => {
  let text: string | undefined;
  app.get(path, { onSend: tagReply }, (_request, reply) => {
    text ??= JSON.stringify(make());
    return reply.type("application/json; charset=utf-8").header("cache-control", "no-cache").send(text);
  });
};

type Response = { description?: string; content?: Record<string, object> };
type Described = {
  parameters?: readonly object[];
  requestBody?: { content: Record<string, object> };
  responses: Record<string, Response>;
};
type Document = {
  paths: Record<string, Record<string, Described>>;
  components?: { schemas?: object };
  servers?: object[];
};

/** The document as the routes' schemas make it, with all that is said of each operation. */
const described = (document: Document, operations: Readonly<Record<string, Operation>>): Document => {
  const paths: Document["paths"] = {};
  for (const [path, methods] of Object.entries(document.paths))
    paths[path] = Object.fromEntries(
      Object.entries(methods).map(([method, made]) => {
        const operation = operations[`${method.toUpperCase()} ${path}`];
        return [method, operation ? merged(made, operation) : made];
      }),
    );
  return {
    ...document,
    servers: [{ url: "." }],
    paths: published(paths) as Document["paths"],
    components: componentsOf(...NAMES_IN_PATHS),
  };
};

const merged = (made: Described, { examples, ...operation }: Operation): Described => ({
  ...operation,
  ...((operation.parameters ?? made.parameters) && {
    parameters: [...(made.parameters ?? []), ...(operation.parameters ?? [])],
  }),
  ...(made.requestBody && { requestBody: withExamples(made.requestBody, examples ?? {}) }),
  responses: Object.fromEntries(
    Object.entries(operation.responses).map(([status, said]: [string, Response]) => {
      const content = Object.entries(said.content ?? {}).map(([type, media]) => [
        type,
        { ...made.responses[status]?.content?.[type], ...media },
      ]);
      return [status, { ...said, ...(said.content && { content: Object.fromEntries(content) }) }];
    }),
  ),
});

const withExamples = (
  body: NonNullable<Described["requestBody"]>,
  examples: NonNullable<Operation["examples"]>,
): NonNullable<Described["requestBody"]> => {
  const named = Object.fromEntries(Object.entries(examples).map(([title, value]) => [title, { value }]));
  const content = Object.entries(body.content).map(([type, media]) => [type, { ...media, examples: named }]);
  return { ...body, content: Object.fromEntries(content) };
};
