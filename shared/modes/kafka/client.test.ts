import { expect, test } from "vitest";
import { loadModeSettings, loadSettings } from "../../runtime/config.ts";
import { addressesIn, usesTls, warnOfPlainPassword } from "./connection.ts";
import { openTurns, partitionInTurn } from "./intake.ts";
import { kafka, kafkaKnobs } from "./mode.ts";

test.each([
  ["a:1", [{ host: "a", port: 1 }], false],
  [
    " a:1 , b:2,",
    [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
    false,
  ],
  [
    "kafka+ssl://a:1,kafka+ssl://b:2",
    [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
    true,
  ],
  [
    "[::1]:9092,[fe80::1]:9093",
    [
      { host: "::1", port: 9092 },
      { host: "fe80::1", port: 9093 },
    ],
    false,
  ],
  ["kafka+ssl://[2001:db8::1]:9093", [{ host: "2001:db8::1", port: 9093 }], true],
])("%j are brokers, with TLS or without", (kafkaBrokers, addresses, tls) => {
  expect(addressesIn(kafkaBrokers)).toEqual(addresses);
  expect(usesTls({ kafkaBrokers })).toBe(tls);
  expect(usesTls({ kafkaBrokers, kafkaTls: true })).toBe(true);
});

test.each([
  ["a:1", true],
  ["a:1,b:2", true],
  ["a:1, b:2", true],
  ["kafka+ssl://a:1, kafka+ssl://b:2", true],
  ["10.0.0.1:9092", true],
  ["[::1]:9092", true],
  ["kafka+ssl://[2001:db8::1]:9093,kafka+ssl://[2001:db8::2]:9093", true],
  // without brackets the port could be a part of the address
  ["::1:9092", false],
  ["[::1]", false],
  ["SASL_SSL://a:1", false],
  ["a", false],
  ["a:b", false],
  ["kafka://a:1", false],
  ["kafka+ssl://a", false],
  ["user:secret@a:1", false],
  ["kafka+ssl://user:secret@a:1", false],
  // some of them without TLS
  ["kafka+ssl://a:1,b:2", false],
  ["a:1,kafka+ssl://b:2", false],
])("KAFKA_BROKERS=%s is valid: %s", (text, isValid) => {
  const load = () => loadSettings(kafkaKnobs, { KAFKA_BROKERS: text });
  if (isValid) expect(load()).toHaveProperty("kafkaBrokers", text);
  else expect(load).toThrow("KAFKA_BROKERS");
});

const PARTITIONS = [4, 0, 2];
const partitionMetadata = PARTITIONS.map((partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 1,
  replicas: [1],
  isr: [1],
}));
const partitionAt = partitionInTurn();
const partitionOf = (partition: number): number =>
  partitionAt({ topic: "orders", partitionMetadata, message: { value: "x", partition } });

/** The partitions of writes of these sizes, by a clock on which each write takes this long. */
const partitionsOf = (sizes: readonly number[], msPerWrite: number): number[] => {
  let now = 0;
  const turns = openTurns(() => now);
  return sizes.map((bytes) => {
    const partition = partitionOf(turns.take(bytes));
    now += msPerWrite;
    return partition;
  });
};

test("small writes share a partition until it has its kilobytes", () => {
  const partitions = partitionsOf(Array(200).fill(300), 10);
  expect(partitions.slice(0, 55)).toEqual(Array(55).fill(4));
  expect(partitions[55]).toBe(0);
  expect(new Set(partitions)).toEqual(new Set(PARTITIONS));
});

test("a partition has its turn for 100 ms, however many large writes there are", () => {
  const partitions = partitionsOf(Array(200).fill(20_000), 1);
  expect(partitions).toEqual([...Array(100).fill(4), ...Array(100).fill(0)]);
});

test("partitions are filled equally, whatever the size of the writes", () => {
  const sizes = Array.from({ length: 3_000 }, (_, index) => 100 + ((index * 7_919) % 90_000));
  const filled = new Map(PARTITIONS.map((partition) => [partition, 0]));
  for (const [index, partition] of partitionsOf(sizes, 5).entries())
    filled.set(partition, (filled.get(partition) ?? 0) + (sizes[index] ?? 0));
  const bytes = [...filled.values()];
  expect(Math.max(...bytes) / Math.min(...bytes)).toBeLessThan(1.1);
});

test("the partition of a failed write is left at once", () => {
  const turns = openTurns();
  expect(partitionOf(turns.take(300))).toBe(4);
  turns.pass();
  expect(partitionOf(turns.take(300))).toBe(0);
});

const PLAIN = { KAFKA_SASL_MECHANISM: "PLAIN", KAFKA_USERNAME: "u", KAFKA_PASSWORD: "s3cret" };

test.each<[Record<string, string>, RegExp]>([
  [{ KAFKA_BROKERS: "a:70000" }, /^KAFKA_BROKERS: 70000 is no port, expected 1 to 65535\.$/],
  [{ KAFKA_USERNAME: "u" }, /^KAFKA_USERNAME is set, and KAFKA_SASL_MECHANISM is not: expected PLAIN, SCRAM/],
  [{ KAFKA_PASSWORD: "s3cret" }, /^KAFKA_PASSWORD is set, and KAFKA_SASL_MECHANISM is not/],
  [{ ...PLAIN, KAFKA_USERNAME: "" }, /^KAFKA_USERNAME is not set, and KAFKA_SASL_MECHANISM is PLAIN/],
  [
    { ...PLAIN, KAFKA_PASSWORD: "" },
    /^KAFKA_PASSWORD is not set, .* KAFKA_PASSWORD or KAFKA_PASSWORD_FILE\.$/,
  ],
  [
    { ...PLAIN, KAFKA_SASL_MECHANISM: "GSSAPI" },
    /^KAFKA_SASL_MECHANISM is "GSSAPI": expected one of none, PLAIN, SCRAM-SHA-256/,
  ],
  [{ KAFKA_CA_FILE: "/ca.pem" }, /^KAFKA_CA_FILE is set, and KAFKA_TLS is not: expected KAFKA_TLS=true\.$/],
  [{ KAFKA_TLS: "true", KAFKA_CA_FILE: "/nowhere.pem" }, /^KAFKA_CA_FILE is "\/nowhere\.pem": ENOENT/],
  [
    { KAFKA_TLS: "true", KAFKA_CA_FILE: import.meta.filename },
    /^KAFKA_CA_FILE is .*: expected certificates in PEM form\.$/,
  ],
  [{ KAFKA_TLS: "true", KAFKA_CERT_FILE: "/c" }, /^KAFKA_KEY_FILE is not set: expected both/],
  [{ KAFKA_TLS: "true", KAFKA_KEY_FILE: "/k" }, /^KAFKA_CERT_FILE is not set: expected both/],
  [
    { KAFKA_TLS: "true", KAFKA_CERT_FILE: import.meta.filename, KAFKA_KEY_FILE: import.meta.filename },
    /^KAFKA_CERT_FILE and KAFKA_KEY_FILE: expected a certificate and its unencrypted key in PEM form, got /,
  ],
])("%o does not fit together, and the sentence has no password", (env, sentence) => {
  const load = () => loadModeSettings(kafka, { KAFKA_BROKERS: "a:1", ...env });
  expect(load).toThrow(sentence);
  expect(load).not.toThrow("s3cret");
});

test.each([
  ["broker:9092", {}, 1],
  ["127.0.0.1:9092,[::1]:9092,localhost:9092", {}, 0],
  ["broker:9092", { KAFKA_TLS: "true" }, 0],
  ["broker:9092", { KAFKA_SASL_MECHANISM: "SCRAM-SHA-256" }, 0],
])(
  "with a user at %s and %o %i warnings say that the password is sent unencrypted",
  (brokers, env, warnings) => {
    const warned: string[] = [];
    const log = {
      info: () => undefined,
      warn: (_fields: object, text: string) => warned.push(text),
      error: () => undefined,
    };
    const settings = loadSettings(kafkaKnobs, { KAFKA_BROKERS: brokers, ...PLAIN, ...env });
    warnOfPlainPassword(settings, log);
    expect(warned).toHaveLength(warnings);
  },
);
