/** What can be put under load: the modes, a variant of v1, and what they are compared with. */
import { modes } from "#shared/modes/all.ts";
import { type ServerName, serversOf } from "#shared/servers.ts";
import type { Variables } from "../experiments/experiment.ts";
import { PEERS, type Peer } from "./peers.ts";

export type Arrangement = {
  /** As in results. */
  readonly name: string;
  /** The product's mode whose rows, rollups and dashboard it fills; null when nothing is stored. */
  readonly mode: string | null;
  /** Orders go to /api/{route}/order. */
  readonly route: string;
  readonly servers: readonly ServerName[];
  /** The server without which it cannot accept orders. */
  readonly backend: ServerName | null;
  /** The order API, or a program like it: a file that Node runs, or one that is built first. */
  readonly program: string | Peer;
  readonly settings: Variables;
};

export const MODE_NAMES: readonly string[] = modes.map(({ name }) => name);

const enabled = (mode: string): Variables => ({ [`${mode.toUpperCase()}_ENABLED`]: "true" });

const ofModes: readonly Arrangement[] = modes.map((mode) => ({
  name: mode.name,
  mode: mode.name,
  route: mode.name,
  servers: serversOf([mode]),
  backend: mode.backend,
  program: "services/order-api/main.ts",
  settings: enabled(mode.name),
}));

/** Servers that keep nothing: what HTTP costs in Node. PostgreSQL is the lab's own need. */
const bare = (name: string, program: string | Peer): Arrangement => ({
  ...{ name, mode: null, route: name, servers: ["postgres"], backend: null, program, settings: {} },
});

/** Each request in a commit of its own, ten at a time, as a pool of usual size would write them. */
const EACH = { V1_GROUP_MAX_ORDERS: "1", V1_MAX_WRITES_IN_FLIGHT: "10" };

export const ARRANGEMENTS: readonly Arrangement[] = [
  bare("node-http", "loadtest/peers/bare-http.ts"),
  bare("fastify", "loadtest/peers/bare-fastify.ts"),
  {
    // the same app and validation, answering after one setImmediate; the API needs one mode, which stays idle
    name: "null",
    mode: null,
    route: "null",
    servers: serversOf([]),
    backend: null,
    program: "loadtest/lab/run/null-api.ts",
    settings: enabled("v1"),
  },
  ...ofModes,
  ...ofModes
    .filter(({ name }) => name === "v1")
    .map((v1) => ({ ...v1, name: "v1-each", settings: { ...v1.settings, ...EACH } })),
  ...PEERS.map((peer) => ({ ...bare(peer.name, peer), servers: peer.servers })),
];

/** Null where its program needs no building. */
export const peerOf = ({ program }: Arrangement): Peer | null =>
  typeof program === "string" ? null : program;

/** Throws an error that lists the names. */
export const arrangementNamed = (name: string): Arrangement => {
  const found = ARRANGEMENTS.find((each) => each.name === name);
  if (found) return found;
  const names = ARRANGEMENTS.map((each) => each.name).join(", ");
  throw new Error(`unknown arrangement "${name}": expected one of ${names}`);
};
