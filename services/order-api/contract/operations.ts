/**
 * What the OpenAPI document says of each route beyond the schemas that the route validates with: words, examples,
 * headers, errors, in OpenAPI's own terms. None of it is seen by a route, so none of it costs a request anything.
 *
 * A new route is one entry here: its replies with `reply`, its errors with `problems`. A test finds one without.
 */
import type { Mode } from "#shared/ports.ts";
import { dashboardReply } from "#shared/wire/dashboard.ts";
import {
  dashboardExample,
  readinessExample,
  salesCsvExample,
  salesExample,
  setupExample,
} from "#shared/wire/examples.ts";
import { liveness, readiness } from "#shared/wire/operations.ts";
import { type Operation, reply, sometimes, text } from "./operation.ts";
import { orderOperations } from "./order-operations.ts";
import { problems } from "./problems.ts";

/** By method and path, as "GET /api/sales". */
export const operationsOf = (modes: readonly Mode[]): Record<string, Operation> => ({
  ...orderOperations(modes),
  "GET /api/dashboard": DASHBOARD,
  "GET /api/sales": SALES,
  "GET /api/setup": SETUP,
  "GET /livez": LIVEZ,
  "GET /readyz": READYZ,
  "GET /metrics": METRICS,
});

const DASHBOARD: Operation = {
  operationId: "readDashboard",
  tags: ["reading"],
  summary: "Everything on the dashboard now",
  description:
    "Hours are UTC hours of today. Served from memory, also while servers are away; `stale` tells. As it changes it comes by the WebSocket `/ws/dashboard`.",
  responses: {
    200: reply("The dashboard of all modes, or of one.", dashboardExample, {}, dashboardReply),
    ...problems("invalid", "internal", "closing"),
  },
};

const TAG = text("of this very page, in this format", '^"[\\w-]+"$');

const SALES: Operation = {
  operationId: "readSales",
  tags: ["reading"],
  summary: "The history of sales, in pages",
  description:
    `Rows come in the order of bucket, mode, store, drink by code point. A page is never longer than \`limit\`; the
next one is told by \`next\` and by \`Link\`. Orders that are counted meanwhile neither repeat nor hide rows. CSV comes by
\`Accept: text/csv\` or \`format=csv\`, which wins. For stores beyond the dashboard's top 50 ask \`by=store\`: the whole list of 10 000 stores of an hour is one page.`.replaceAll(
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
        Link: sometimes("the next page, relative to this one; none on the last", '^<\\?.*>; rel="next"$'),
        "Cache-Control": text("`no-cache`: ask again with the tag"),
        Vary: text("`accept`"),
        "Content-Disposition": sometimes("a file name, for CSV"),
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
    "What a page has to know beside the figures: what each mode promises with its reply, some of the catalogue, and whether made-up orders may be sent.",
  responses: {
    200: reply("The modes that take orders here, and the rest.", setupExample),
    ...problems("internal", "closing"),
  },
};

const LIVEZ: Operation = {
  operationId: "isAlive",
  tags: ["operations"],
  summary: "Whether the process answers; checks nothing outside of it",
  responses: { 200: reply("It does.", { alive: true }, {}, liveness) },
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
      { "Retry-After": text("seconds to wait", "^[1-3]$") },
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
