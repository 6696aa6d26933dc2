/** The variables of the pods against the programs' own settings. */
import { modes } from "#shared/modes/all.ts";
import { loadModeSettings, loadSettings } from "#shared/runtime/config.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { type ServerName, serverNames, servers } from "#shared/servers.ts";
import { checkKeeps } from "#shared/store/retention.ts";
import { migrationKnobs } from "../../db/migrate.ts";
import { loadApiSettings } from "../../services/order-api/config.ts";
import { workerKnobs } from "../../services/worker/config.ts";
import type { Rule } from "./chart-rules.ts";
import {
  type Container,
  type Manifest,
  type Program,
  programOf,
  titleOf,
  type Variable,
  workloadsIn,
} from "./manifests.ts";
import { variablesOf } from "./variables.ts";

/** Node's own. */
const OF_NODE = new Set(["NODE_EXTRA_CA_CERTS"]);

const EXAMPLE_ADDRESS: Readonly<Record<ServerName, string>> = {
  postgres: "postgres://user@host:5432/name",
  board: "redis://host:6379",
  stream: "redis://host:6379",
  kafka: "host:9092",
};

/** In place of what an existing Secret holds. */
export const STAND_IN: Readonly<Record<string, string>> = Object.fromEntries(
  serverNames.map((name) => [servers[name].variable, EXAMPLE_ADDRESS[name]]),
);

const HELD_ELSEWHERE = "held-by-a-secret";
const KAFKA_FILES = "/etc/coffee-rt/kafka/";

type Valued = Readonly<Record<string, string>>;

const valuesOf = (env: readonly Variable[], secrets: ReadonlyMap<string, Valued>): Valued =>
  Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const ref = valueFrom?.secretKeyRef;
      const held = ref ? secrets.get(ref.name)?.[ref.key] : undefined;
      const found = value ?? held ?? STAND_IN[name] ?? (ref ? HELD_ELSEWHERE : "");
      // a file of a Secret is not on this machine
      return [name, found.startsWith(KAFKA_FILES) ? "" : found];
    }),
  );

/** What the program itself says of these settings; its sentence for each that it refuses. */
const load = (program: Program, values: Valued): string[] => {
  try {
    if (program === "operator") return [];
    if (program === "migrations") loadSettings(migrationKnobs, values);
    else if (program === "api") loadApiSettings(values);
    else {
      const own = loadSettings(workerKnobs, values);
      const mode = modes.find(({ name }) => name === own.mode);
      if (mode === undefined) return [`MODE is "${own.mode}", which is no mode`];
      checkKeeps(own, mode, loadModeSettings(mode, values));
    }
    return [];
  } catch (error) {
    return messageOf(error).split("\n");
  }
};

/** Of the operator's smoke test, which takes no other settings. */
const OF_SMOKE = ["API_URL", "API_TOKEN"];

const knownTo = (program: Program, values: Valued): string[] => {
  if (program === "operator") return OF_SMOKE;
  const mode = values["MODE"] ?? "";
  const all = modes.map(({ name }) => name);
  if (program === "migrations") return Object.keys(variablesOf.migrations());
  return Object.keys(program === "api" ? variablesOf.api(all) : variablesOf.worker([mode]));
};

const SERVING: ReadonlySet<Program> = new Set(["api", "worker"]);

const inContainer = (container: Container, manifests: readonly Manifest[]): string[] => {
  const program = programOf(container);
  if (program === undefined) return [];
  const env = container.env ?? [];
  const secrets = new Map(
    manifests
      .filter(({ kind }) => kind === "Secret")
      .map(({ metadata, stringData = {} }): [string, Valued] => [metadata.name, stringData]),
  );
  const values = valuesOf(env, secrets);
  const known = knownTo(program, values);
  const twice = env.map(({ name }) => name).filter((name, index, names) => names.indexOf(name) !== index);
  const lost = env.flatMap(({ name, valueFrom }) => {
    const ref = valueFrom?.secretKeyRef;
    const own = ref && secrets.get(ref.name);
    return own && !(ref.key in own) ? [`${name} is not in the Secret ${ref.name}`] : [];
  });
  return [
    ...Object.keys(values)
      .filter((name) => !known.includes(name) && !OF_NODE.has(name))
      .map((name) => `${name} is no setting of it`),
    ...twice.map((name) => `${name} is given twice`),
    ...lost,
    ...load(program, values),
    // no other process reaches what listens on loopback, probes included
    ...(SERVING.has(program) && values["HOST"] !== "0.0.0.0" ? ["HOST is not 0.0.0.0"] : []),
  ];
};

export const variablesFit: Rule = {
  says: "every variable is a setting of its program, which takes its value",
  breaches: (manifests) =>
    workloadsIn(manifests).flatMap(({ manifest, pod }) =>
      pod.containers.flatMap((container) =>
        inContainer(container, manifests).map((what) => `${titleOf(manifest)}: ${what}`),
      ),
    ),
};
