/**
 * OpenAPI 3.1 at /openapi.json, made from the schemas that the routes validate with, and a page at /docs to read and try
 * it; both answer while every mode is down. The committed copy is docs/openapi.json.
 */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { Names } from "#shared/domain/catalogue.ts";
import type { Mode } from "#shared/ports.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { addEtag } from "../headers.ts";
import { REQUEST_TIMEOUT_SECONDS } from "../problems.ts";
import { asyncApi } from "./asyncapi.ts";
import {
  type Described,
  type Document,
  type Response,
  servedDocument,
  withExamples,
  withNamed,
  withoutStreams,
} from "./examples.ts";
import { operationsOf } from "./operations.ts";
import { type Operation, problems } from "./responses.ts";
import { componentsOf, published, type SchemaName } from "./schemas.ts";

/** `asyncApi` is the address of the other document, relative to this one. */
const infoFor = (asyncApi: string) => ({
  title: "Coffee-RT order API",
  version: packageJson.version,
  license: { name: packageJson.license, identifier: packageJson.license },
  description: `Takes coffee orders by interchangeable ingest modes and turns them into live sales metrics. The modes are
equal in everything but the transport.

Errors are \`application/problem+json\` (RFC 9457), distinguished by \`type\`; \`errors\` names each wrong field. A request
that is not valid HTTP is answered by a 400 of type \`bad-request\`; headers over 16 KiB by a 431; a request that takes
longer than ${REQUEST_TIMEOUT_SECONDS} s to arrive by a 408; an unknown path by a 404 of type \`not-found\`; a wrong method by a 405 with \`Allow\`.
Members and query parameters that are not listed are rejected with 422.

The WebSocket \`/ws/dashboard\` sends the dashboard as it changes, and \`/ws/orders/{mode}\` takes orders; [AsyncAPI](${asyncApi}) describes both.`,
});
const INFO = infoFor("asyncapi.json");

const TAGS = [
  { name: "orders", description: "Send orders" },
  { name: "reading", description: "Read the dashboard and the sales" },
  { name: "operations", description: "Observe the process" },
];

/** The page brings all that it shows, and connects to this API alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Neither the documents themselves nor the page are in the document. */
const UNDOCUMENTED = /^\/($|\*$|(docs|assets)(\/|$)|openapi\.json$|asyncapi\.json$|favicon\.svg$|theme\.js$)/;

const NAMES_IN_PATHS: readonly SchemaName[] = [
  "OrderRequest",
  "Order",
  "BatchOrder",
  "Batch",
  "OrderStatus",
  "Dashboard",
  "Sales",
  "Setup",
  "Catalogue",
  "NamesToAdd",
  "NamesAdded",
  "Readiness",
  "Problem",
];

/** The name of the security scheme. */
const TOKEN = "token";
const SECURITY_SCHEMES = {
  [TOKEN]: {
    type: "http" as const,
    scheme: "bearer",
    description:
      "A token of TOKENS, where ACCESS=tokens. `write` sends orders, `read` reads, `operate` changes the catalogue.",
  },
};

export type Documented = {
  readonly modes: readonly Mode[];
  /** Read at each request: the catalogue may grow. */
  readonly names: () => Names;
  readonly needsTokens: boolean;
};

/** Called before the routes are added: it describes only those that are added later. */
export const addOpenApi = async (
  app: FastifyInstance,
  { modes, names, needsTokens }: Documented,
): Promise<void> => {
  const security = needsTokens ? [{ [TOKEN]: [] }] : [{}, { [TOKEN]: [] }];
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", info: INFO, tags: TAGS, components: { securitySchemes: SECURITY_SCHEMES } },
    // as the validators see it
    convertConstToEnum: false,
    // a copy: the WebSocket plugin would hide the schema that it shares with /api/dashboard
    transform: ({ schema, url, route }) => ({
      schema: {
        ...schema,
        ...(route.config?.access && { security }),
        hide: route.websocket === true || UNDOCUMENTED.test(url),
      },
      url,
    }),
    transformObject: (made) => {
      if (!("openapiObject" in made)) throw new Error("expected a document of OpenAPI 3");
      return described(made.openapiObject as Document, operationsOf(modes));
    },
  });
  const here = servedDocument(() => app.swagger() as unknown as Document, names);
  serveDocument(app, "/openapi.json", here);
  serveDocument(app, "/asyncapi.json", once(asyncApi));
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
    // relative: a proxy may serve the API under another path
    transformSpecification: () => ({
      ...withoutStreams(here()),
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

const once = (make: () => object): (() => object) => {
  let made: object | undefined;
  return () => (made ??= make());
};

/** As long as `make` returns the same object, its text is kept. */
const serveDocument = (app: FastifyInstance, path: string, make: () => object): void => {
  let made: object | undefined;
  let text = "";
  app.get(path, { onSend: addEtag }, (_request, reply) => {
    const document = make();
    if (document !== made) [made, text] = [document, JSON.stringify(document)];
    return reply.type("application/json; charset=utf-8").header("cache-control", "no-cache").send(text);
  });
};

/** The document of the routes' schemas, completed with the description of each operation. */
const described = (document: Document, operations: Readonly<Record<string, Operation>>): Document => {
  const paths: Document["paths"] = {};
  for (const [path, methods] of Object.entries(document.paths))
    paths[path] = Object.fromEntries(
      Object.entries(methods).map(([method, made]) => {
        const operation = operations[`${method.toUpperCase()} ${path}`];
        return [method, operation ? merged(made, operation) : made];
      }),
    );
  return withExamples({
    ...document,
    servers: [{ url: "." }],
    paths: published(paths) as Document["paths"],
    components: {
      ...componentsOf(...NAMES_IN_PATHS),
      responses: published(DENIALS) as object,
      securitySchemes: SECURITY_SCHEMES,
    },
  });
};

/** In the document once, because every operation with a token has them. */
const DENIALS = problems("unauthorized", "forbidden", "rate-limited");
const DENIED = Object.fromEntries(
  Object.keys(DENIALS).map((status) => [status, { $ref: `#/components/responses/${status}` }]),
);

const merged = (made: Described, { examples, ...operation }: Operation): Described => ({
  ...operation,
  ...(made.security && { security: made.security }),
  ...((operation.parameters ?? made.parameters) && {
    parameters: [...(made.parameters ?? []), ...(operation.parameters ?? [])],
  }),
  ...(made.requestBody && { requestBody: withNamed(made.requestBody, examples) }),
  ...(operation.requestBody && { requestBody: operation.requestBody }),
  responses: {
    ...Object.fromEntries(
      Object.entries(operation.responses).map(([status, described]: [string, Response]) => {
        const content = Object.entries(described.content ?? {}).map(([type, media]) => [
          type,
          { ...made.responses[status]?.content?.[type], ...media },
        ]);
        return [status, { ...described, ...(described.content && { content: Object.fromEntries(content) }) }];
      }),
    ),
    ...(made.security && DENIED),
  },
});
