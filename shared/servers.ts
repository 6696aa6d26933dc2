/**
 * The servers that the programs connect to. Launchers, checks, the chart's schema and the laboratory derive their lists
 * from this table and from `Mode.backend`; no other file maps a mode to a server or a server to a variable.
 */

type ServerEntry = {
  /** Of its process, its container and its row in results. */
  readonly name: string;
  readonly title: string;
  /** The variable that holds its address: a URL, or for Kafka host:port of each broker. */
  readonly variable: string;
  /** `every program` connects whatever the modes; the others are connected to by the programs of modes whose backend it is. */
  readonly connects: "every program" | "programs of its modes";
  /** Further variables that say how to come in, where the address cannot. */
  readonly access?: readonly string[];
};

export const servers = {
  postgres: {
    name: "postgres",
    title: "PostgreSQL",
    variable: "DATABASE_URL",
    connects: "every program",
  },
  board: {
    name: "redis-board",
    title: "Redis of the board",
    variable: "BOARD_REDIS_URL",
    connects: "every program",
  },
  stream: {
    name: "redis-stream",
    title: "Redis of the stream",
    variable: "STREAM_REDIS_URL",
    connects: "programs of its modes",
  },
  kafka: {
    name: "kafka",
    title: "Kafka",
    variable: "KAFKA_BROKERS",
    access: [
      "KAFKA_TLS",
      "KAFKA_CA_FILE",
      "KAFKA_CERT_FILE",
      "KAFKA_KEY_FILE",
      "KAFKA_SASL_MECHANISM",
      "KAFKA_USERNAME",
      "KAFKA_PASSWORD",
      "KAFKA_PASSWORD_FILE",
    ],
    connects: "programs of its modes",
  },
} as const satisfies Readonly<Record<string, ServerEntry>>;

export type ServerName = keyof typeof servers;

export const serverNames = Object.keys(servers) as readonly ServerName[];

export const serverVariables: readonly string[] = serverNames.map((server) => servers[server].variable);

/** See `ServerEntry.access`. */
export const accessVariables = (server: ServerName): readonly string[] =>
  (servers[server] as ServerEntry).access ?? [];

/** Those that these modes need, in the table's order. */
export const serversOf = (modes: readonly { readonly backend: ServerName }[]): ServerName[] =>
  serverNames.filter(
    (server) =>
      servers[server].connects === "every program" || modes.some(({ backend }) => backend === server),
  );
