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
  ORDER_ID,
  orderReplyExample,
  orderRequestExample,
  readinessExample,
  salesCsvExample,
  salesExample,
  shortOrderRequestExample,
} from "#shared/wire/examples.ts";
import { liveness, readiness } from "#shared/wire/operations.ts";
import { problems } from "./problems.ts";

export type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  /** Beside those of the query, which the route's schema brings. */
  readonly parameters?: readonly object[];
  /** Named examples of the body, whose schema is the route's. */
  readonly examples?: Readonly<Record<string, object | string>>;
  /** By status. A schema that a route declares for a status is added to it. */
  readonly responses: Readonly<Record<string, object>>;
};

/** By method and path, as "GET /api/sales". */
export const operationsOf = (modes: readonly Mode[]): Record<string, Operation> => ({
  ...Object.fromEntries(modes.map((mode) => [`POST /api/${mode.name}/order`, takeOrder(mode)])),
  "GET /api/dashboard": DASHBOARD,
  "GET /api/sales": SALES,
  "GET /livez": LIVEZ,
  "GET /readyz": READYZ,
  "GET /metrics": METRICS,
});

type Headers = Readonly<Record<string, object>>;

/** A header that always comes. */
const text = (description: string, pattern?: string) => ({
  description,
  required: true,
  schema: { type: "string", ...(pattern && { pattern }) },
});
const sometimes = (description: string, pattern?: string) => ({
  ...text(description, pattern),
  required: false,
});

/** A reply in JSON; its schema is the route's where none is given. */
const reply = (description: string, example: object, headers: Headers = {}, schema?: object): object => ({
  description,
  headers,
  content: { "application/json": { ...(schema && { schema }), example } },
});

const LOCATION = text("where to ask for the order later", "^/api/orders/");

const takeOrder = ({ name, title, accepts }: Mode): Operation => {
  const isStored = accepts === "stored";
  const status = isStored ? "stored" : "queued";
  const example = orderReplyExample(name, status);
  const replayed = reply("The same order came before, and counts once.", example, {
    Location: LOCATION,
    "Idempotency-Replayed": text("`true`", "^true$"),
  });
  const conflict = isStored
    ? (["key-conflict"] as const) // other modes find out when they count
    : [];
  return {
    operationId: `takeOrder${name.replace(/^./, (first) => first.toUpperCase())}`,
    tags: ["orders"],
    summary: `Take an order by ${name}: ${title}`,
    description:
      `The reply is sent only when the crash of any one process can no longer lose the order. After a 503 wait
for \`Retry-After\` and send the same order with the id in \`ids\` as its key: that is always safe.`.replace(
        "\n",
        " ",
      ),
    parameters: [
      {
        in: "header",
        name: "Idempotency-Key",
        required: false,
        description:
          "Becomes the order's id: a UUIDv7, made at most 31 days ago. The same key is the same order and counts once, in whatever mode and however often it comes. Without it the server makes one.",
        schema: { type: "string", format: "uuid" },
        example: ORDER_ID,
      },
    ],
    examples: { "at a time": orderRequestExample, now: shortOrderRequestExample },
    responses: {
      ...(isStored && { 200: replayed }),
      [isStored ? 201 : 202]: reply(
        isStored ? "Committed in PostgreSQL." : "Held durably, on its way to PostgreSQL.",
        example,
        { Location: LOCATION },
      ),
      ...problems("malformed", "not-found", "too-large", "unsupported-media-type", "invalid", ...conflict),
      ...problems("internal", "backend-away", "queue-full", "timeout", "lag", "outcome-unknown", "closing"),
    },
  };
};

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
