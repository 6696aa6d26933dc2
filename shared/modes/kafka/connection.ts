/** How a client reaches the brokers: addresses, TLS and SASL, by the settings, in the form of kafkajs. */
import { X509Certificate } from "node:crypto";
import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, createSecureContext } from "node:tls";
import type { ISocketFactory, KafkaConfig, SASLOptions } from "kafkajs";
import type { Log } from "../../ports.ts";
import { readSetting } from "../../runtime/config.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import type { KafkaSettings } from "./mode.ts";

/** The settings of a connection; those that are left out have their defaults. */
export type KafkaConnection = Pick<KafkaSettings, "kafkaBrokers"> &
  Partial<
    Pick<
      KafkaSettings,
      | "kafkaTls"
      | "kafkaCaFile"
      | "kafkaCertFile"
      | "kafkaKeyFile"
      | "kafkaSaslMechanism"
      | "kafkaUsername"
      | "kafkaPassword"
    >
  >;

export type Address = { readonly host: string; readonly port: number };

const TLS = "kafka+ssl://";
const KEEP_ALIVE_MS = 60_000;

/** The addresses of KAFKA_BROKERS; an IPv6 address stands in brackets. */
export const addressesIn = (text: string): Address[] =>
  text
    .split(",")
    .map((broker) => broker.trim().replace(TLS, ""))
    .filter((broker) => broker !== "")
    .map((broker) => {
      const colon = broker.lastIndexOf(":");
      return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(broker.slice(colon + 1)) };
    });

export const usesTls = ({ kafkaBrokers, kafkaTls = false }: KafkaConnection): boolean =>
  kafkaTls || kafkaBrokers.includes(TLS);

/** For `tls.connect`; null without TLS. Throws an Error with a sentence when a file cannot be used. */
export const tlsOptionsOf = (settings: KafkaConnection): ConnectionOptions | null => {
  if (!usesTls(settings)) return null;
  const { kafkaCaFile = "", kafkaCertFile = "", kafkaKeyFile = "" } = settings;
  return {
    ...(kafkaCaFile !== "" && { ca: authoritiesIn(kafkaCaFile) }),
    ...(kafkaCertFile !== "" && clientCertificate(kafkaCertFile, kafkaKeyFile)),
  };
};

const authoritiesIn = (file: string): string => {
  const text = readSetting("KAFKA_CA_FILE", file);
  try {
    new X509Certificate(text);
  } catch {
    throw new Error(`KAFKA_CA_FILE is "${file}": expected certificates in PEM form.`);
  }
  return text;
};

const clientCertificate = (certFile: string, keyFile: string): { cert: string; key: string } => {
  const pair = {
    cert: readSetting("KAFKA_CERT_FILE", certFile),
    key: readSetting("KAFKA_KEY_FILE", keyFile),
  };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new Error(
      `KAFKA_CERT_FILE and KAFKA_KEY_FILE: expected a certificate and its unencrypted key in PEM form, got ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return pair;
};

export const configOf = (
  settings: KafkaConnection,
): Pick<KafkaConfig, "brokers" | "ssl" | "sasl" | "socketFactory"> => {
  const { kafkaSaslMechanism = "none", kafkaUsername = "", kafkaPassword = "" } = settings;
  const ssl = tlsOptionsOf(settings);
  const sasl = kafkaSaslMechanism !== "none" && {
    mechanism: kafkaSaslMechanism.toLowerCase(),
    username: kafkaUsername,
    password: kafkaPassword,
  };
  return {
    brokers: addressesIn(settings.kafkaBrokers).map(
      ({ host, port }) => `${encodeURIComponent(host)}:${port}`,
    ),
    socketFactory,
    ...(ssl && { ssl }),
    ...(sasl && { sasl: sasl as SASLOptions }),
  };
};

/** kafkajs splits an address at its first colon, so the colons of IPv6 are encoded until here. */
export const hostOf = (encoded: string): string =>
  encoded.includes("%3A") ? decodeURIComponent(encoded) : encoded;

export const openSocket = (
  { host, port }: Address,
  ssl: ConnectionOptions | null,
  onConnect: () => void,
): Socket => {
  // a certificate for an IP address is verified without SNI, which has names only
  const named = isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? connectTls({ host, port, ...named, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
};

const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) =>
  openSocket({ host: hostOf(host), port }, ssl ?? null, onConnect);

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** SCRAM keeps the password to itself, PLAIN sends it. */
export const warnOfPlainPassword = (settings: KafkaConnection, log: Log): void => {
  if (settings.kafkaSaslMechanism !== "PLAIN" || usesTls(settings)) return;
  if (addressesIn(settings.kafkaBrokers).every(({ host }) => LOOPBACK.test(host))) return;
  log.warn({ mode: "v3" }, "KAFKA_SASL_MECHANISM=PLAIN without KAFKA_TLS sends the password unencrypted");
};

/** Throws an Error with one sentence when the settings do not fit together, or a file cannot be used. */
export const checkConnection = (settings: KafkaConnection): void => {
  const { kafkaSaslMechanism = "none", kafkaUsername = "", kafkaPassword = "" } = settings;
  const far = addressesIn(settings.kafkaBrokers).find(({ port }) => port < 1 || port > 65_535);
  if (far) throw new Error(`KAFKA_BROKERS: ${far.port} is no port, expected 1 to 65535.`);
  if (kafkaSaslMechanism === "none") {
    const given = kafkaUsername !== "" ? "KAFKA_USERNAME" : kafkaPassword !== "" ? "KAFKA_PASSWORD" : null;
    if (given)
      throw new Error(
        `${given} is set, and KAFKA_SASL_MECHANISM is not: expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.`,
      );
  } else if (kafkaUsername === "" || kafkaPassword === "") {
    const missing = kafkaUsername === "" ? "KAFKA_USERNAME" : "KAFKA_PASSWORD";
    throw new Error(
      `${missing} is not set, and KAFKA_SASL_MECHANISM is ${kafkaSaslMechanism}: expected KAFKA_USERNAME and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE.`,
    );
  }
  checkFiles(settings);
  tlsOptionsOf(settings);
};

const checkFiles = (settings: KafkaConnection): void => {
  const { kafkaCaFile = "", kafkaCertFile = "", kafkaKeyFile = "" } = settings;
  if ((kafkaCertFile === "") !== (kafkaKeyFile === ""))
    throw new Error(
      `${kafkaCertFile === "" ? "KAFKA_CERT_FILE" : "KAFKA_KEY_FILE"} is not set: expected both the client's certificate and its key, or neither.`,
    );
  const given = kafkaCaFile !== "" ? "KAFKA_CA_FILE" : kafkaCertFile !== "" ? "KAFKA_CERT_FILE" : null;
  if (given && !usesTls(settings))
    throw new Error(`${given} is set, and KAFKA_TLS is not: expected KAFKA_TLS=true.`);
};
