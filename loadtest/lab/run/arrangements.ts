/** What can be put under load: the modes, and what they are compared with. */
import type { Variables } from "../experiments/experiment.ts";

export type ServerKind = "postgres" | "board" | "stream" | "kafka";

export type Arrangement = {
  /** As it stands in results. */
  readonly name: string;
  /** The product's mode whose rows, rollups and dashboard it fills; null when nothing is kept. */
  readonly mode: string | null;
  /** Orders go to /api/{route}/order. */
  readonly route: string;
  readonly servers: readonly ServerKind[];
  /** Without which it cannot accept. */
  readonly backend: ServerKind | null;
  /** The order API, or a program like it. */
  readonly apiFile: string;
  readonly settings: Variables;
};

const API = "services/order-api/main.ts";

const mode = (
  name: string,
  servers: readonly ServerKind[],
  backend: ServerKind,
  settings: Variables = {},
  label = name,
): Arrangement => ({
  name: label,
  mode: name,
  route: name,
  servers,
  backend,
  apiFile: API,
  settings: { [`${name.toUpperCase()}_ENABLED`]: "true", ...settings },
});

export const ARRANGEMENTS: readonly Arrangement[] = [
  {
    // the same app and validation, answering after one setImmediate; it asks for one mode, which stands idle beside it
    name: "null",
    mode: null,
    route: "null",
    servers: ["postgres", "board"],
    backend: null,
    apiFile: "dev/bench/ingest/api.ts",
    settings: { V1_ENABLED: "true" },
  },
  mode("v1", ["postgres", "board"], "postgres"),
  // each request in a commit of its own; ten at a time, as a pool of usual size would
  mode(
    "v1",
    ["postgres", "board"],
    "postgres",
    { V1_GROUP_MAX_ORDERS: "1", V1_MAX_WRITES_IN_FLIGHT: "10" },
    "v1-each",
  ),
  mode("v2", ["postgres", "board", "stream"], "stream"),
  mode("v3", ["postgres", "board", "kafka"], "kafka"),
];

/** Throws a sentence that lists what there is. */
export const arrangementNamed = (name: string): Arrangement => {
  const found = ARRANGEMENTS.find((each) => each.name === name);
  if (found) return found;
  throw new Error(
    `there is no "${name}" to measure: it may be ${ARRANGEMENTS.map((each) => each.name).join(", ")}`,
  );
};
