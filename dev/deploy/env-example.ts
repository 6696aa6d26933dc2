/** .env.example: the settings of a container deployment, each with its purpose and default. */
import type { TSchema } from "typebox";
import { modes } from "#shared/modes/all.ts";
import { settings, type Variables } from "./variables.ts";

const HEAD = `# Copy to .env, which compose reads by itself: cp .env.example .env
# What is commented out has the value shown.

# The database's password; it stands in a URL, so letters and digits. The database keeps the one of its first start, and
# only containers of this project reach it.
#POSTGRES_PASSWORD=coffee
# The order API's port on 127.0.0.1; a range like 8005-8008 to run several.
#API_PORT=8005
# The port of the page's own address, on 127.0.0.1; the API shows the page at its own too.
#DASHBOARD_PORT=3000
# The images of the programs and of the page's own server; built from here unless they are there already.
#COFFEE_IMAGE=coffee-rt
#DASHBOARD_IMAGE=coffee-rt-dashboard
# v2: when the stream is full, orders are refused. Below REDIS_STREAM_MEMORY, which the log's rewriting shares.
#STREAM_MAXMEMORY=1gb
# v3: brokers elsewhere, instead of the one that compose starts; their user is one of v3's settings below.
#KAFKA_BROKERS=kafka:9092
# v3: Kafka's heap.
#KAFKA_HEAP_OPTS=-Xms256m -Xmx1g
# The shop's stores and drinks: a JSON file of this machine.
#CATALOGUE_FILE=./services/order-api/catalogue.json
# Grafana, for its admin (users of this machine may view it without one), and the ports of what observes, on 127.0.0.1.
#GRAFANA_PASSWORD=coffee
#GRAFANA_PORT=3001
#PROMETHEUS_PORT=9090
# Limits of the containers; 0 CPUs is no limit. A process computes on one core: for more run several.
#API_CPUS=0
#API_MEMORY=512m
#WORKER_CPUS=0
#WORKER_MEMORY=512m
#POSTGRES_CPUS=0
#POSTGRES_MEMORY=2g
#REDIS_BOARD_CPUS=0
#REDIS_BOARD_MEMORY=512m
#REDIS_STREAM_CPUS=0
#REDIS_STREAM_MEMORY=2g
#KAFKA_CPUS=0
#KAFKA_MEMORY=2g
#K6_CPUS=0
#K6_MEMORY=2g
`;

const TITLES: Readonly<Record<string, string>> = {
  orderApi: "The order API",
  workers: "The workers of every mode",
  migrations: "The migrations",
  ...Object.fromEntries(modes.map(({ name, title }) => [name, `${name}, ${title}: the API and its workers`])),
};

const lineOf = (name: string, schema: TSchema): string => {
  const { description, default: value } = schema as { description?: string; default?: unknown };
  return `${description ? `# ${description}\n` : ""}#${name}=${value ?? ""}`;
};

/** The containers have 20 s from the signal to the end, whatever the programs' own deadline: it is theirs to keep. */
export const NOT_FOR_COMPOSE = new Set(["STOP_DEADLINE_MS"]);

/** A variable that several take stands where it comes first. */
export const envExample = (): string => {
  const seen = new Set<string>();
  const sections = Object.entries(settings).map(([part, variables]) => {
    const isNew = (name: string): boolean => !seen.has(name) && !NOT_FOR_COMPOSE.has(name);
    const own: Variables = Object.fromEntries(Object.entries(variables).filter(([name]) => isNew(name)));
    for (const name of Object.keys(own)) seen.add(name);
    const lines = Object.entries(own).map(([name, schema]) => lineOf(name, schema));
    return lines.length === 0 ? "" : `\n# --- ${TITLES[part] ?? part} ---\n${lines.join("\n")}\n`;
  });
  return `${HEAD}${sections.join("")}`;
};
