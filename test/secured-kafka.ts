/** One broker with a listener for each way to come in: SASL, TLS, client certificates, IPv6, and rights (ACLs). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
import { kafka } from "#shared/modes/kafka/mode.ts";
import { loadModeSettings } from "#shared/runtime/config.ts";
import { startKafka } from "../dev/system/servers/kafka.ts";
import { kafkaClassPath } from "../dev/system/servers/kafka-java.ts";
import { freePort } from "../dev/system/servers/ports.ts";
import type { KafkaListener } from "../dev/system/servers/settings.ts";
import { freshName, silent, someOrders, until } from "./fresh.ts";
import { type Certificates, makeCertificates } from "./tls-servers.ts";

export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

/** What real passwords contain; Java's configuration wants `"` and `\` escaped, so they are left out. */
export const KAFKA_PASSWORD = "p@ss:w/o%rd, =ä?#";
/** May do everything. */
export const USER = "coffee";
/** May do what the ACLs of a test allow. */
export const LIMITED = "limited";

const LISTENERS = {
  plain: { protocol: "PLAINTEXT" },
  tls: { protocol: "SSL" },
  sasl: { protocol: "SASL_PLAINTEXT" },
  saslTls: { protocol: "SASL_SSL" },
  /** It has one mechanism only. */
  scramOnly: { protocol: "SASL_PLAINTEXT" },
  /** It expects a certificate of the client. */
  mutual: { protocol: "SSL" },
  /** Its certificate has expired. */
  expired: { protocol: "SSL" },
  /** Its certificate is for another host. */
  misnamed: { protocol: "SSL" },
  ipv6: { protocol: "SASL_SSL", host: "[::1]" },
} as const satisfies Readonly<Record<string, Pick<KafkaListener, "protocol" | "host">>>;

export type ListenerName = keyof typeof LISTENERS;

export type SecuredKafka = {
  /** KAFKA_BROKERS for each listener. */
  readonly brokers: Readonly<Record<ListenerName, string>>;
  /** The authorities that signed the listeners' certificates; the first one signed the client's, too. */
  readonly certificates: Readonly<Record<"usual" | "expired" | "misnamed", Certificates>>;
  stop(): Promise<void>;
};

const keystoreOf = (listener: string, { both }: Certificates): Record<string, string> => ({
  [`listener.name.${listener}.ssl.keystore.type`]: "PEM",
  [`listener.name.${listener}.ssl.keystore.location`]: both,
});

/** A properties file of Java's has ASCII only. */
const escaped = (text: string): string =>
  text.replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

const loginsOf = (listener: string, mechanisms: readonly string[]): Record<string, string> => {
  const name = (mechanism: string): string => `listener.name.${listener}.${mechanism}.sasl.jaas.config`;
  const users = [USER, LIMITED].map((user) => `user_${user}="${escaped(KAFKA_PASSWORD)}"`).join(" ");
  const logins: Record<string, string> = {
    [`listener.name.${listener}.sasl.enabled.mechanisms`]: mechanisms.join(","),
  };
  for (const mechanism of mechanisms)
    logins[name(mechanism.toLowerCase())] =
      mechanism === "PLAIN"
        ? `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`
        : "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  return logins;
};

/** SCRAM's users live in the broker, which takes one mechanism of a user at a time. */
const addScramUser = async (brokers: string, user: string, mechanisms: readonly string[]): Promise<void> => {
  const classPath = await kafkaClassPath(() => undefined);
  const java = "-Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dsun.jnu.encoding=UTF-8 -cp".split(" ");
  const command = "kafka.admin.ConfigCommand --alter --entity-type users --entity-name".split(" ");
  for (const mechanism of mechanisms)
    await promisify(execFile)(
      "java",
      [
        ...[...java, classPath, ...command, user, "--bootstrap-server", brokers],
        ...["--add-config", `${mechanism}=[password=${KAFKA_PASSWORD}]`],
      ],
      { env: { ...process.env, LC_ALL: "C.UTF-8" } },
    );
};

export const startSecuredKafka = async (): Promise<SecuredKafka> => {
  const certificates = {
    usual: makeCertificates("DNS:localhost,IP:127.0.0.1,IP:::1"),
    expired: makeCertificates("IP:127.0.0.1", "-1"),
    misnamed: makeCertificates("DNS:broker.example"),
  };
  const { usual, expired, misnamed } = certificates;
  const ports = new Map<string, number>();
  for (const name of Object.keys(LISTENERS)) ports.set(name, await freePort());
  const listeners = Object.entries(LISTENERS).map(([name, listener]): KafkaListener => {
    const port = ports.get(name) ?? 0;
    return { name: name.toUpperCase(), port, advertisedPort: port, ...listener };
  });
  const server = await startKafka({
    listeners,
    settings: {
      ...keystoreOf("tls", usual),
      ...keystoreOf("sasltls", usual),
      ...keystoreOf("ipv6", usual),
      ...keystoreOf("mutual", usual),
      "listener.name.mutual.ssl.client.auth": "required",
      "listener.name.mutual.ssl.truststore.type": "PEM",
      "listener.name.mutual.ssl.truststore.location": usual.authority,
      ...keystoreOf("expired", expired),
      ...keystoreOf("misnamed", misnamed),
      ...loginsOf("sasl", MECHANISMS),
      ...loginsOf("sasltls", MECHANISMS),
      ...loginsOf("ipv6", MECHANISMS),
      ...loginsOf("scramonly", ["SCRAM-SHA-256"]),
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": `User:ANONYMOUS;User:${USER};User:CN=localhost`,
    },
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    for (const each of Object.values(certificates)) each.remove();
  };
  try {
    await addScramUser(server.url, USER, ["SCRAM-SHA-256", "SCRAM-SHA-512"]);
    await addScramUser(server.url, LIMITED, ["SCRAM-SHA-256"]);
  } catch (error) {
    await stop();
    throw error;
  }
  const addressOf = (name: string): string => {
    const { host = "127.0.0.1" } = LISTENERS[name as ListenerName] as Pick<KafkaListener, "host">;
    return `${host}:${ports.get(name)}`;
  };
  return {
    brokers: Object.fromEntries(
      Object.keys(LISTENERS).map((name) => [name, addressOf(name)]),
    ) as SecuredKafka["brokers"],
    certificates,
    stop,
  };
};

export type Env = Readonly<Record<string, string>>;

export const listenerEnv = (broker: SecuredKafka, listener: ListenerName, more: Env = {}): Env => {
  const topic = freshName("orders");
  return {
    KAFKA_BROKERS: broker.brokers[listener],
    V3_TOPIC: topic,
    V3_GROUP: topic,
    V3_PARTITIONS: "1",
    ...more,
  };
};
export const login = (mechanism: string, user = USER): Env => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_USERNAME: user,
  KAFKA_PASSWORD,
});
export const tlsEnv = (broker: SecuredKafka, of: keyof SecuredKafka["certificates"] = "usual"): Env => ({
  KAFKA_TLS: "true",
  KAFKA_CA_FILE: broker.certificates[of].authority,
});

/** Accepts an order and delivers it to a worker's source. */
export const carry = async (env: Env): Promise<void> => {
  const settings = loadModeSettings(kafka, env);
  const problems: Error[] = [];
  const intake = kafka.openIntake(settings, silent, (error) => problems.push(error));
  const stop = new AbortController();
  const delivered: string[] = [];
  const running = kafka.openSource(settings, silent).run(async (delivery) => {
    if (delivery.kind === "carried") delivered.push(...delivery.entries.map(({ payload }) => payload));
  }, stop.signal);
  try {
    const [order] = someOrders(1);
    if (!order) throw new Error("no order");
    const accepted = (): Promise<boolean> =>
      intake.accept([order]).then(
        () => true,
        () => false,
      );
    await until("the order is accepted", async () => problems.length > 0 || (await accepted()));
    expect(problems).toEqual([]);
    await until("it is delivered", () => delivered.some((payload) => payload.includes(order.id)));
    expect((await intake.backlog(1)).keptMs).toBeGreaterThan(0);
  } finally {
    stop.abort();
    await running;
    await intake.close();
  }
};
