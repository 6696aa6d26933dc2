/**
 * Tells a wrong setting from a broker that is down. kafkajs reports most wrong settings as a closed connection, as it does
 * with a broker that restarts, so the listener itself is asked what it expects.
 */
import type { ConnectionOptions } from "node:tls";
import { WrongSetting } from "../../runtime/config.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { tlsProblem } from "../../runtime/tls-problem.ts";
import {
  type Address,
  addressesIn,
  hostOf,
  type KafkaConnection,
  openSocket,
  usesTls,
} from "./connection.ts";

type Failure = Error & { type?: string; broker?: string; topic?: string; errors?: readonly Error[] };

/** An error with its causes; kafkajs wraps what a broker replied up to three times. */
const causesOf = (error: unknown): Failure[] => {
  if (!(error instanceof Error)) return [];
  const { cause, errors = [] } = error as Failure;
  return [error as Failure, ...[cause, ...errors].flatMap((each) => causesOf(each))];
};

/** The wrong setting that made this error, as a sentence; null when a retry may succeed. */
export const wrongSettingIn = async (
  error: unknown,
  settings: KafkaConnection,
): Promise<WrongSetting | null> => {
  const causes = causesOf(error);
  const said =
    rightsProblem(causes, settings) ?? userProblem(causes, settings) ?? certificateProblem(causes, settings);
  const sentence = said ?? (await listenerProblem(addressesFrom(causes, settings), settings));
  return sentence === null ? null : new WrongSetting(sentence, { cause: error });
};

/** True when the broker refuses this very user the operation. */
export const isMissingRight = (error: unknown): boolean =>
  causesOf(error).some(({ type = "" }) => type in RIGHTS);

/** The message of an error, by its cause, with the missing right explained. */
export const kafkaMessageOf = (error: unknown, settings: KafkaConnection): string => {
  const causes = causesOf(error);
  const innermost = causes.find(({ type }) => type !== undefined) ?? error;
  return rightsProblem(causes, settings) ?? messageOf(innermost);
};

const RIGHTS: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: "the topic (V3_TOPIC)",
  GROUP_AUTHORIZATION_FAILED: "the consumer group (V3_GROUP)",
  CLUSTER_AUTHORIZATION_FAILED: "the cluster, which creating the topic (V3_TOPIC) needs",
};

const rightsProblem = (causes: readonly Failure[], settings: KafkaConnection): string | null => {
  const refused = causes.find(({ type = "" }) => type in RIGHTS);
  if (refused === undefined) return null;
  const user = settings.kafkaUsername
    ? `KAFKA_USERNAME: the Kafka user "${settings.kafkaUsername}"`
    : "Kafka: this client";
  return `${user} lacks a right on ${RIGHTS[refused.type ?? ""]}: "${refused.message}". Grant the rights in docs/deployment.md, "Kafka rights".`;
};

/** A connection that is lost while the user logs in is reported as a failed login, too. */
const LOST = /closed|timed out|not connected|ECONN|EPIPE|socket/i;

const userProblem = (causes: readonly Failure[], settings: KafkaConnection): string | null => {
  const refused = causes.find(({ name }) => name === "KafkaJSSASLAuthenticationError");
  // a mechanism that the listener does not have is found by asking it
  if (refused === undefined || LOST.test(refused.message) || /not supported/.test(refused.message))
    return null;
  const { kafkaSaslMechanism, kafkaUsername } = settings;
  return `KAFKA_USERNAME or KAFKA_PASSWORD is wrong: the broker refused the user "${kafkaUsername}" by ${kafkaSaslMechanism} ("${messageOf(refused)}").`;
};

const TRUST_BY = "set KAFKA_CA_FILE to a file with that authority's certificate";

const certificateProblem = (causes: readonly Failure[], { kafkaBrokers }: KafkaConnection): string | null => {
  const broker = hostOf(causes.find((cause) => cause.broker !== undefined)?.broker ?? kafkaBrokers);
  for (const cause of causes) {
    const problem = tlsProblem(cause, TRUST_BY);
    const client = /client/.test(problem ?? "") ? ": set KAFKA_CERT_FILE and KAFKA_KEY_FILE" : "";
    // which other protocol the listener speaks is found by asking it
    if (problem !== null && !/does not speak TLS/.test(problem))
      return `KAFKA_BROKERS: ${broker} cannot be used by TLS, ${problem}${client}.`;
  }
  return null;
};

/** The broker that the error is about, otherwise every one. */
const addressesFrom = (causes: readonly Failure[], { kafkaBrokers }: KafkaConnection): Address[] => {
  const broker = causes.find((cause) => cause.broker !== undefined)?.broker;
  return addressesIn(
    broker ? broker.replace(/^(.*%3A.*):/, (_, host) => `[${hostOf(host)}]:`) : kafkaBrokers,
  );
};

const listenerProblem = async (
  addresses: readonly Address[],
  settings: KafkaConnection,
): Promise<string | null> => {
  for (const address of addresses) {
    const problem = problemAt(address, settings, await askListener(address, usesTls(settings)));
    if (problem !== null) return problem;
  }
  return null;
};

const problemAt = (
  { host, port }: Address,
  settings: KafkaConnection,
  listener: Listener | null,
): string | null => {
  if (listener === null) return null;
  const { kafkaSaslMechanism = "none" } = settings;
  const { tls, mechanisms } = listener;
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if (tls !== usesTls(settings))
    return tls
      ? `KAFKA_TLS is false, and ${where} accepts TLS only: set KAFKA_TLS=true.`
      : `KAFKA_TLS is true, and ${where} does not speak TLS: set KAFKA_TLS=false and leave out kafka+ssl://, or use the port for TLS.`;
  if (mechanisms === null || (kafkaSaslMechanism !== "none" && mechanisms.includes(kafkaSaslMechanism)))
    return null;
  if (mechanisms.length > 0)
    return `KAFKA_SASL_MECHANISM is ${kafkaSaslMechanism}, and ${where} accepts ${mechanisms.join(", ")} only.`;
  if (kafkaSaslMechanism === "none") return null;
  return `KAFKA_SASL_MECHANISM is ${kafkaSaslMechanism}, and ${where} accepts clients without authentication only: set it to none, or use the port for SASL.`;
};

/** `mechanisms` is empty for a listener without SASL, and null where it is not known. */
type Listener = { readonly tls: boolean; readonly mechanisms: readonly string[] | null };

/** Null when the listener answers in no way that says what it expects. */
const askListener = async (address: Address, byTls: boolean): Promise<Listener | null> => {
  // the answer is only read: what is sent is no secret, so the certificate does not matter
  const ssl: ConnectionOptions = { rejectUnauthorized: false };
  const answer = await exchange(address, byTls ? ssl : null);
  if (answer !== null && isTlsAlert(answer)) return { tls: true, mechanisms: null };
  const mechanisms = answer && mechanismsIn(answer);
  if (mechanisms) return { tls: byTls, mechanisms };
  if (!byTls) return null;
  const plain = await exchange(address, null);
  const offered = plain && !isTlsAlert(plain) ? mechanismsIn(plain) : null;
  return offered && { tls: false, mechanisms: offered };
};

const ANSWER_WITHIN_MS = 2_000;
/** SaslHandshake (17), version 1, correlation id 1, no client id, the mechanism "?": every listener answers it first. */
const HANDSHAKE = Buffer.from([0, 0, 0, 13, 0, 17, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 1, 0x3f]);

/** The first bytes of the answer, at least five; null without an answer. */
const exchange = (address: Address, ssl: ConnectionOptions | null): Promise<Buffer | null> =>
  new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const end = (result: Buffer | null): void => {
      socket.destroy();
      resolve(result);
    };
    const socket = openSocket(address, ssl, () => socket.write(HANDSHAKE));
    const over = (): void => end(answer.length >= 5 ? answer : null);
    socket.setTimeout(ANSWER_WITHIN_MS, over).on("error", over).on("close", over);
    socket.on("data", (part) => {
      answer = Buffer.concat([answer, part]);
      if (answer.length >= 5 && (isTlsAlert(answer) || answer.length >= 4 + answer.readInt32BE(0))) over();
    });
  });

/** Content type 21, version 3.x: a TLS server's answer to what is no TLS. */
const isTlsAlert = (answer: Buffer): boolean => answer[0] === 0x15 && answer[1] === 0x03;

const UNSUPPORTED_MECHANISM = 33;
const ILLEGAL_SASL_STATE = 34;

/** Size, correlation id, error code, then the mechanisms. */
const mechanismsIn = (answer: Buffer): string[] | null => {
  if (answer.length < 14 || answer.readInt32BE(4) !== 1) return null;
  const code = answer.readInt16BE(8);
  if (code === ILLEGAL_SASL_STATE) return [];
  if (code !== UNSUPPORTED_MECHANISM) return null;
  const names: string[] = [];
  let at = 14;
  for (let left = answer.readInt32BE(10); left > 0 && at + 2 <= answer.length; left--) {
    const length = answer.readInt16BE(at);
    names.push(answer.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return names;
};
