/**
 * helm/coffee-rt/values.schema.json: the shape of the chart's values, with the settings taken from the programs' own
 * schemas, so that a name that no program has is refused by helm.
 */
import type { TSchema } from "typebox";
import { modes } from "#shared/modes/all.ts";
import type { Mode } from "#shared/ports.ts";
import { type ServerName, serverNames, servers } from "#shared/servers.ts";
import { modeNames, settings, type Variables, variablesOf } from "./variables.ts";

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const filled: Schema = { type: "string", minLength: 1 };
const flag: Schema = { type: "boolean" };
const count: Schema = { type: "integer", minimum: 0 };
const anyObject: Schema = { type: "object" };
const list: Schema = { type: "array" };
const texts: Schema = { type: "object", additionalProperties: text };

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...more,
});

const CONSTRAINTS = ["type", "minimum", "maximum", "minLength", "pattern", "description"] as const;

/** A knob as YAML writes it. */
const settingOf = (knob: TSchema): Schema => {
  const { anyOf, ...described } = knob as { anyOf?: readonly { const: unknown }[] } & Record<string, unknown>;
  const about = described["description"] === undefined ? {} : { description: described["description"] };
  if (anyOf) return { enum: anyOf.map((option) => option.const), ...about };
  return Object.fromEntries(
    CONSTRAINTS.filter((name) => described[name] !== undefined).map((name) => [name, described[name]]),
  );
};

/** The chart has values of its own for these, because a Secret holds a part of them. */
const OWN_VALUES = new Set(
  ["TLS", "CERT_FILE", "KEY_FILE", "SASL_MECHANISM", "USERNAME", "PASSWORD"].map((name) => `KAFKA_${name}`),
);

const settingsOf = (variables: Variables = {}): Schema =>
  object(
    Object.fromEntries(
      Object.entries(variables)
        .filter(([name]) => !OWN_VALUES.has(name))
        .map(([name, knob]) => [name, settingOf(knob)]),
    ),
  );

const resources = object({
  requests: { type: "object", additionalProperties: { type: ["string", "number"] } },
  limits: { type: "object", additionalProperties: { type: ["string", "number"] } },
});

/** Null is left out: the cluster assigns it. Kubernetes' own schema says what else there is. */
const podSecurityContext: Schema = {
  type: "object",
  properties: {
    runAsUser: { type: ["integer", "null"], minimum: 1 },
    runAsGroup: { type: ["integer", "null"] },
    fsGroup: { type: ["integer", "null"] },
  },
};

const inCluster = (more: Record<string, Schema>): Schema =>
  object({ enabled: flag, image: text, resources, podSecurityContext, ...more });

const addresses = variablesOf.api(modeNames);

/** As the programs read it; empty where the server is configured in another way. */
const urlOf = (variable: string): Schema => {
  const { pattern } = addresses[variable] as { readonly pattern?: string };
  if (pattern === undefined) throw new Error(`${variable} takes anything: its knob has no pattern`);
  return { type: "string", pattern: `^$|${pattern}` };
};

const server = (variable: string, own: Record<string, Schema>, access: Record<string, Schema> = {}): Schema =>
  object({
    url: urlOf(variable),
    existingSecret: text,
    key: filled,
    ...access,
    inCluster: inCluster(own),
  });

/** How a client comes in, besides the addresses. */
const kafkaAccess = {
  tls: flag,
  sasl: object({
    mechanism: settingOf(addresses["KAFKA_SASL_MECHANISM"] as TSchema),
    username: text,
    existingSecret: text,
    usernameKey: text,
    passwordKey: filled,
  }),
  clientCertificate: object({ existingSecret: text, certificateKey: filled, keyKey: filled }),
};

/** Each server's key in the chart's values, and the options of the one that the chart runs itself. */
const CHART_SERVERS: Readonly<
  Record<
    ServerName,
    {
      readonly key: string;
      readonly own: Record<string, Schema>;
      readonly access?: Record<string, Schema>;
    }
  >
> = {
  postgres: {
    key: "postgresql",
    own: { storage: text, password: { type: "string", pattern: "^[A-Za-z0-9]*$" } },
  },
  board: { key: "boardRedis", own: {} },
  stream: { key: "streamRedis", own: { storage: text, maxmemory: text } },
  kafka: { key: "kafka", own: { storage: text, heap: text }, access: kafkaAccess },
};

const chartServers = object({
  ...Object.fromEntries(
    serverNames.map((name) => [
      CHART_SERVERS[name].key,
      server(servers[name].variable, CHART_SERVERS[name].own, CHART_SERVERS[name].access),
    ]),
  ),
  certificateAuthority: object({ existingSecret: text, key: filled }),
});

/** More workers count faster only where a queue shares the orders out; KEDA reads that queue's lag. */
const modeOf = ({ name, accepts }: Mode): Schema =>
  object({
    enabled: flag,
    workers: count,
    settings: settingsOf(settings[name]),
    scaling:
      accepts === "queued"
        ? object({
            enabled: flag,
            max: { type: "integer", minimum: 1 },
            lagPerWorker: { type: "integer", minimum: 1 },
            address: text,
            tls: flag,
            authenticationRef: text,
          })
        : object({
            enabled: { const: false, description: "one worker counts at a time: more do not count faster" },
          }),
  });

/** The chart sets these itself, for a list of tokens in a Secret: a value would show them to all who may read the release. */
const OF_TOKENS: ReadonlySet<string> = new Set(["ACCESS", "TOKENS", "TOKENS_FILE"]);
const apiSettings = Object.entries(settings["orderApi"] ?? {}).filter(([name]) => !OF_TOKENS.has(name));

const orderApi = object({
  replicas: count,
  settings: settingsOf(Object.fromEntries(apiSettings)),
  tokens: object({ existingSecret: text, key: { type: "string", minLength: 1 } }),
  resources,
  autoscaling: object({
    enabled: flag,
    min: { type: "integer", minimum: 1 },
    max: { type: "integer", minimum: 1 },
    cpuPercent: { type: "integer", minimum: 1, maximum: 100 },
  }),
  preStopSeconds: count,
  service: object({ type: { enum: ["ClusterIP", "NodePort", "LoadBalancer"] }, port: { type: "integer" } }),
  podAnnotations: texts,
});

const image = object({
  repository: { type: "string", minLength: 1 },
  tag: text,
  digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
  pullPolicy: { enum: ["Always", "IfNotPresent", "Never"] },
});

const ingress = object({ enabled: flag, className: text, host: text, tlsSecret: text, annotations: texts });

const networkPolicy = object({ from: list, kedaNamespace: { type: "string", minLength: 1 } });

const monitoring = object({
  enabled: flag,
  labels: texts,
  interval: { type: "string", pattern: "^[0-9]+(ms|s|m)$" },
  rules: flag,
  servers: flag,
  dashboards: object({ enabled: flag, label: text }),
});

export const valuesSchema = (): Schema =>
  object(
    {
      image,
      imagePullSecrets: {
        type: "array",
        description: "names of Secrets, or objects with such a name",
        items: { anyOf: [filled, object({ name: filled }, { required: ["name"] })] },
      },
      podSecurityContext,
      nameOverride: text,
      serviceAccountName: filled,
      servers: chartServers,
      modes: object(Object.fromEntries(modes.map((mode) => [mode.name, modeOf(mode)]))),
      orderApi,
      workers: object({ settings: settingsOf(settings["workers"]), resources, podAnnotations: texts }),
      migrations: object({
        settings: settingsOf(settings["migrations"]),
        deadlineSeconds: { type: "integer", minimum: 1 },
        resources,
      }),
      smokeTest: object({
        waitSeconds: { type: "integer", minimum: 1, maximum: 3_600 },
        token: object({ existingSecret: text, key: filled }),
      }),
      catalogue: object({
        stores: { ...list, items: text, minItems: 1 },
        drinks: { ...list, items: text, minItems: 1 },
      }),
      topologySpread: list,
      nodeSelector: texts,
      tolerations: list,
      affinity: anyObject,
      networkPolicy,
      ingress,
      monitoring,
      // what helm itself sets for a chart that is part of another
      global: anyObject,
    },
    { $schema: "http://json-schema.org/draft-07/schema#", title: "Values of the coffee-rt chart" },
  );
