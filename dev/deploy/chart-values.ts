/** With which values the chart is looked at, as data: every combination of modes, servers and extras; and what it refuses. */
import { join } from "node:path";
import { modeNames } from "./variables.ts";

export const CHART = join(import.meta.dirname, "../../helm/coffee-rt");

export type Values = {
  readonly title: string;
  readonly args: readonly string[];
  /** The cluster assigns the ids of users and groups: no pod names one. */
  readonly assignsIds?: boolean;
};

const file = (name: string): string[] => ["-f", join(CHART, name)];
const set = (...values: string[]): string[] => values.flatMap((value) => ["--set", value]);

const modeSets: readonly (readonly string[])[] = Array.from(
  { length: 2 ** modeNames.length - 1 },
  (_, index) => modeNames.filter((_name, bit) => ((index + 1) >> bit) % 2 === 1),
);

const filesOf = (modes: readonly string[]): string[] => modes.flatMap((mode) => file(`values.${mode}.yaml`));

/** KEDA scales by the chart's own servers; it gets no other addresses, even where every other option is on. */
const TRIAL = [
  ...file("values.trial.yaml"),
  ...set(
    "servers.postgresql.inCluster.password=forATrial",
    "modes.v2.scaling.address=",
    "modes.v3.scaling.address=",
  ),
];
const URLS = set(
  "servers.postgresql.url=postgres://coffee:secret@db.example:5432/coffee?sslmode=verify-full",
  "servers.boardRedis.url=rediss://:secret@board.example:6379",
  "servers.streamRedis.url=rediss://:secret@stream.example:6379",
  // to --set a comma begins the next value
  "servers.kafka.url=kafka+ssl://kafka-1.example:9093\\,kafka+ssl://kafka-2.example:9093",
);
const SECRETS = set(
  "servers.postgresql.existingSecret=database",
  "servers.postgresql.key=url",
  "servers.boardRedis.existingSecret=board",
  "servers.streamRedis.existingSecret=stream",
  "servers.kafka.existingSecret=brokers",
);
const SERVERS: readonly Values[] = [
  { title: "servers in the cluster", args: TRIAL },
  { title: "servers by URL", args: URLS },
  { title: "servers by existing Secrets", args: SECRETS },
];

/** Everything that is off by default. In a file: helm reads numbers there in another way than on its command line. */
const ALL_ON = file("ci/all-on-values.yaml");

/** What the trial on a cluster installs. */
export const TRIAL_OF_ALL_MODES: readonly string[] = [...filesOf(modeNames), ...TRIAL];

export const LONG_NAME: Values = {
  title: `${modeNames.join(" + ")}, a long name`,
  args: [...filesOf(modeNames), ...TRIAL, ...set(`nameOverride=${"long".repeat(20)}`)],
};

const OPENSHIFT: Values = {
  title: `${modeNames.join(" + ")}, ids assigned by the cluster`,
  args: [...filesOf(modeNames), ...TRIAL, ...file("values.openshift.yaml")],
  assignsIds: true,
};

/** Brokers that authenticate, with the user in a value or in the Secret, and with a certificate of the client. */
const KAFKA_ACCESS: readonly Values[] = [
  ["servers.kafka.sasl.username=coffee", "imagePullSecrets={registry,other}"],
  ["servers.kafka.sasl.usernameKey=user", "servers.kafka.clientCertificate.existingSecret=own"],
].map((more, index) => ({
  title: `v3, brokers that authenticate, ${index + 1}`,
  args: [
    ...filesOf(["v3"]),
    ...URLS,
    ...set(
      "servers.kafka.url=kafka.example:9093",
      "servers.kafka.tls=true",
      "servers.kafka.sasl.mechanism=SCRAM-SHA-512",
      "servers.kafka.sasl.existingSecret=kafka-user",
      "modes.v3.scaling.enabled=true",
      "modes.v3.scaling.address=kafka.example:9093",
      ...more,
    ),
  ],
}));

export const VALUES: readonly Values[] = [
  LONG_NAME,
  OPENSHIFT,
  ...KAFKA_ACCESS,
  ...modeSets.flatMap((modes) =>
    SERVERS.flatMap(({ title, args }) => [
      { title: `${modes.join(" + ")}, ${title}`, args: [...filesOf(modes), ...args] },
      { title: `${modes.join(" + ")}, ${title}, all on`, args: [...filesOf(modes), ...args, ...ALL_ON] },
    ]),
  ),
];

/** Values, and a part of the sentence that refuses them. */
export type Refusal = readonly [title: string, args: readonly string[], sentence: string];

const V2 = [...filesOf(["v2"]), ...TRIAL];

/** What the chart has to refuse, and with which words. */
export const REFUSALS: readonly Refusal[] = [
  ["no mode", TRIAL, "No mode is on: add -f values.v1.yaml"],
  ["no servers", filesOf(["v2"]), "servers.postgresql has nothing set: set exactly one of url"],
  [
    "a server said twice",
    [...V2, ...set("servers.streamRedis.url=redis://x:1")],
    "servers.streamRedis has url and inCluster.enabled",
  ],
  [
    "no password",
    [...filesOf(["v1"]), ...file("values.trial.yaml")],
    "servers.postgresql.inCluster.password is empty",
  ],
  [
    "a scaler without an address",
    [...filesOf(["v2"]), ...URLS, ...set("modes.v2.scaling.enabled=true")],
    "modes.v2.scaling.address is empty",
  ],
  [
    "fewer workers at most than at least",
    [...V2, ...set("modes.v2.scaling.enabled=true", "modes.v2.scaling.max=1")],
    "modes.v2.scaling.max is 1, less than its workers (2)",
  ],
  [
    "fewer API pods at most than at least",
    [...V2, ...set("orderApi.autoscaling.enabled=true", "orderApi.autoscaling.max=1")],
    "orderApi.autoscaling.max is 1, less than min (2)",
  ],
  ["a misspelt value", [...V2, ...set("orderApi.replica=3")], "replica"],
  ["a setting that no program has", [...V2, ...set("modes.v2.settings.V2_STREEM=x")], "V2_STREEM"],
  ["a setting of another part", [...V2, ...set("workers.settings.MAX_SOCKETS=1")], "MAX_SOCKETS"],
  ["a value out of bounds", [...V2, ...set("modes.v2.settings.V2_SLOTS=0")], "V2_SLOTS"],
  ["a wrong kind of value", [...V2, ...set("orderApi.settings.MAX_SOCKETS=many")], "MAX_SOCKETS"],
  [
    "a URL of something else",
    [...filesOf(["v1"]), ...URLS, ...set("servers.boardRedis.url=http://x")],
    "not match pattern",
  ],
  [
    "brokers of which one is not asked by TLS",
    [...filesOf(["v3"]), ...URLS, ...set("servers.kafka.url=kafka+ssl://a:9093\\,b:9093")],
    "not match pattern",
  ],
  [
    "a user without a Secret",
    [...filesOf(["v3"]), ...URLS, ...set("servers.kafka.sasl.mechanism=PLAIN")],
    "servers.kafka.sasl.existingSecret is empty: PLAIN needs a Secret with the password",
  ],
  [
    "a Secret without a user",
    [
      ...filesOf(["v3"]),
      ...URLS,
      ...set("servers.kafka.sasl.mechanism=PLAIN", "servers.kafka.sasl.existingSecret=kafka"),
    ],
    "servers.kafka.sasl.username is empty",
  ],
  [
    "a mechanism that no client has",
    [...filesOf(["v3"]), ...URLS, ...set("servers.kafka.sasl.mechanism=GSSAPI")],
    "mechanism",
  ],
  [
    "a password that is a value",
    [...filesOf(["v3"]), ...URLS, ...set("modes.v3.settings.KAFKA_PASSWORD=secret")],
    "KAFKA_PASSWORD",
  ],
  [
    "a registry's Secret without a name",
    [...V2, ...set("imagePullSecrets[0].nom=registry")],
    "imagePullSecrets",
  ],
  ["root", [...V2, ...set("podSecurityContext.runAsUser=0")], "runAsUser"],
  ["scaling where it is no use", [...V2, ...set("modes.v1.scaling.enabled=true")], "scaling"],
];
