/**
 * The OpenAPI document's description of each route beyond the schemas that the route validates with: descriptions, examples,
 * headers, errors, in OpenAPI's own terms. No route reads any of it, so it costs no request anything.
 *
 * A new route is one entry here: its replies with `reply`, its errors with `problems`. A test fails for a route without.
 */
import type { Mode } from "#shared/ports.ts";
import { dashboardReply } from "#shared/wire/dashboard.ts";
import {
  catalogueExample,
  dashboardExample,
  readinessExample,
  salesCsvExample,
  salesExample,
  setupExample,
} from "#shared/wire/examples.ts";
import { liveness, readiness } from "#shared/wire/operations.ts";
import { orderOperations } from "./order-operations.ts";
import { header, type Operation, optionalHeader, problems, reply } from "./responses.ts";

/** By method and path, as "GET /api/sales". */
export const operationsOf = (modes: readonly Mode[]): Record<string, Operation> => ({
  ...orderOperations(modes),
  "GET /api/dashboard": DASHBOARD,
  "GET /api/sales": SALES,
  "GET /api/setup": SETUP,
  "GET /api/catalogue": CATALOGUE,
  "POST /api/catalogue": EXTEND_CATALOGUE,
  "GET /livez": LIVEZ,
  "GET /readyz": READYZ,
  "GET /metrics": METRICS,
});

const DASHBOARD: Operation = {
  operationId: "readDashboard",
  tags: ["reading"],
  summary: "The current dashboard",
  description:
    "Hours are UTC hours of today. Served from memory, also while servers are unreachable; it is then marked `stale`. The WebSocket `/ws/dashboard` sends it as it changes.",
  responses: {
    200: reply("The dashboard of all modes, or of one.", dashboardExample, {}, dashboardReply),
    ...problems("invalid", "internal", "closing"),
  },
};

const TAG = header("of this page in this format", '^"[\\w-]+"$');

const SALES: Operation = {
  operationId: "readSales",
  tags: ["reading"],
  summary: "The history of sales, in pages",
  description:
    `Rows are sorted by bucket, mode, store, drink by code point. A page is never longer than \`limit\`; \`next\` and
\`Link\` lead to the next one. Orders that are counted meanwhile neither repeat nor hide rows. \`Accept: text/csv\` or
\`format=csv\`, which wins, returns CSV. For stores beyond the dashboard's top 50 use \`by=store\`: all 10 000 stores of an hour are one page.`.replaceAll(
      "\n",
      " ",
    ),
  parameters: [
    {
      in: "header",
      name: "If-None-Match",
      required: false,
      description: "the `ETag` of the page that the client has",
      schema: { type: "string" },
    },
  ],
  responses: {
    200: {
      description:
        "A page. In CSV (RFC 4180) a name that a spreadsheet would run as a formula has an apostrophe before it.",
      headers: {
        ETag: TAG,
        Link: optionalHeader(
          "the next page, relative to this one; none on the last",
          '^<\\?.*>; rel="next"$',
        ),
        "Cache-Control": header("`no-cache`: revalidate with the tag"),
        Vary: header("`accept`"),
        "Content-Disposition": optionalHeader("a file name, for CSV"),
      },
      content: {
        "application/json": { example: salesExample },
        "text/csv": { schema: { type: "string" }, example: salesCsvExample },
      },
    },
    304: { description: "The client has this page already.", headers: { ETag: TAG } },
    ...problems("invalid", "internal", "backend-away", "too-slow", "closing"),
  },
};

const SETUP: Operation = {
  operationId: "readSetup",
  tags: ["reading"],
  summary: "How this server is set up",
  description:
    "What a page needs besides the figures: what each mode promises with its reply, some of the catalogue, and whether the page may send generated orders.",
  responses: {
    200: reply("The enabled modes, and the other settings.", setupExample),
    ...problems("internal", "closing"),
  },
};

const CATALOGUE: Operation = {
  operationId: "readCatalogue",
  tags: ["reading"],
  summary: "The stores and drinks that orders may name",
  description:
    "The names of CATALOGUE_FILE, and those that were added since, in Unicode's composed form (NFC).",
  responses: {
    200: reply("All names.", catalogueExample, { ETag: TAG }),
    304: { description: "The client has this list already.", headers: { ETag: TAG } },
    ...problems("internal", "closing"),
  },
};

const EXTEND_CATALOGUE: Operation = {
  operationId: "extendCatalogue",
  tags: ["operations"],
  summary: "Add stores and drinks to the catalogue",
  description:
    "The names are stored in PostgreSQL, and stay. Every process accepts orders for them from then on. Names that exist already are ignored.",
  examples: { "a store": { stores: ["northgate"] } },
  responses: {
    200: reply("The names that were new.", { added: { stores: ["northgate"], drinks: [] } }),
    ...problems(
      "malformed",
      "too-large",
      "unsupported-media-type",
      "invalid",
      "internal",
      "backend-away",
      "closing",
    ),
  },
};

const LIVEZ: Operation = {
  operationId: "isAlive",
  tags: ["operations"],
  summary: "Whether the process answers; checks nothing outside it",
  responses: { 200: reply("The process answers.", { alive: true }, {}, liveness) },
};

const READYZ: Operation = {
  operationId: "isReady",
  tags: ["operations"],
  summary: "Which modes take orders and which servers answer",
  responses: {
    200: reply("At least one mode takes orders.", readinessExample, {}, readiness),
    503: reply(
      "No mode takes orders, or the process is stopping.",
      { ...readinessExample, ready: false, modes: { v2: readinessExample.modes["v2"] } },
      { "Retry-After": header("seconds to wait", "^[1-3]$") },
      readiness,
    ),
  },
};

const METRICS: Operation = {
  operationId: "readMetrics",
  tags: ["operations"],
  summary: "Metrics for Prometheus",
  responses: {
    200: {
      description: "The text format of Prometheus.",
      content: { "text/plain": { schema: { type: "string" } } },
    },
    ...problems("internal"),
  },
};
