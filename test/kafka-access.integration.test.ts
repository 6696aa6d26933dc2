/** v3 on a broker that authenticates its clients: what comes in, and the sentence for each setting that is wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafka } from "#shared/modes/kafka/mode.ts";
import type { Log } from "#shared/ports.ts";
import { loadModeSettings } from "#shared/runtime/config.ts";
import { freePort } from "../dev/system/servers/ports.ts";
import { silent, until } from "./fresh.ts";
import { API, processesForTest, untilCounted, WORKER } from "./processes.ts";
import {
  carry,
  type Env,
  KAFKA_PASSWORD,
  type ListenerName,
  listenerEnv,
  login,
  MECHANISMS,
  type SecuredKafka,
  startSecuredKafka,
  tlsEnv,
  USER,
} from "./secured-kafka.ts";
import { folderForTest } from "./temporary.ts";

let broker: SecuredKafka;
beforeAll(async () => {
  broker = await startSecuredKafka();
});
afterAll(() => broker?.stop());

const at = (listener: ListenerName, more: Env = {}): Env => listenerEnv(broker, listener, more);
const tls = (of?: keyof SecuredKafka["certificates"]): Env => tlsEnv(broker, of);

/** The sentences with which an API and a worker end at the start. */
const sentences = async (env: Env): Promise<string[]> => {
  const settings = loadModeSettings(kafka, env);
  const failed = Promise.withResolvers<Error>();
  const intake = kafka.openIntake(settings, silent, failed.resolve);
  const source = kafka.openSource(settings, silent).run(async () => undefined, new AbortController().signal);
  try {
    const ends = [
      failed.promise,
      source.then(
        () => new Error("it ended"),
        (error: Error) => error,
      ),
    ];
    return (await Promise.all(ends)).map(({ message }) => message);
  } finally {
    await intake.close();
  }
};

describe.each(MECHANISMS)("by %s", (mechanism) => {
  test.each(["sasl", "saslTls", "ipv6"] as const)("orders come through the listener %s", async (listener) => {
    await carry(at(listener, { ...login(mechanism), ...(listener === "sasl" ? {} : tls()) }));
  });

  test.each(["sasl", "saslTls"] as const)("a wrong password ends both programs at %s", async (listener) => {
    const wrong = { ...login(mechanism), KAFKA_PASSWORD: "wrong" };
    for (const sentence of await sentences(
      at(listener, { ...wrong, ...(listener === "sasl" ? {} : tls()) }),
    )) {
      expect(sentence).toMatch(
        /^KAFKA_USERNAME or KAFKA_PASSWORD is wrong: the broker refused the user "coffee" by /,
      );
      expect(sentence).toContain(mechanism);
    }
  });
});

test("orders come by TLS, by kafka+ssl:// too, and with a client's certificate", async () => {
  await carry(at("tls", tls()));
  await carry({
    ...at("tls"),
    KAFKA_BROKERS: `kafka+ssl://${broker.brokers.tls}`,
    KAFKA_CA_FILE: broker.certificates.usual.authority,
  });
  const { certificate, key } = broker.certificates.usual;
  await carry(at("mutual", { ...tls(), KAFKA_CERT_FILE: certificate, KAFKA_KEY_FILE: key }));
});

test.each<[string, () => Env, RegExp]>([
  ["an unknown user", () => at("sasl", login("PLAIN", "nobody")), /refused the user "nobody" by PLAIN/],
  [
    "a mechanism that the listener lacks",
    () => at("scramOnly", login("PLAIN")),
    /^KAFKA_SASL_MECHANISM is PLAIN, and 127\.0\.0\.1:\d+ accepts SCRAM-SHA-256 only\.$/,
  ],
  [
    "no user where one is expected",
    () => at("sasl"),
    /^KAFKA_SASL_MECHANISM is none, and \S+ accepts (\S+, ){2}\S+ only\.$/,
  ],
  [
    "a user where none is expected",
    () => at("plain", login("PLAIN")),
    /^KAFKA_SASL_MECHANISM is PLAIN, and \S+ accepts clients without authentication only/,
  ],
  [
    "no TLS where it is expected",
    () => at("tls"),
    /^KAFKA_TLS is false, and \S+ accepts TLS only: set KAFKA_TLS=true\.$/,
  ],
  [
    "no TLS where it is expected, with a user",
    () => at("saslTls", login("PLAIN")),
    /^KAFKA_TLS is false, and \S+ accepts TLS only/,
  ],
  ["TLS where there is none", () => at("plain", tls()), /^KAFKA_TLS is true, and \S+ does not speak TLS/],
  [
    "TLS where there is none, with a user",
    () => at("sasl", { ...login("PLAIN"), ...tls() }),
    /does not speak TLS/,
  ],
  [
    "an authority that is not trusted",
    () => at("tls", { KAFKA_TLS: "true" }),
    /^KAFKA_BROKERS: 127\.0\.0\.1:\d+ cannot be used by TLS, its certificate is signed by an authority that is not trusted: set KAFKA_CA_FILE/,
  ],
  ["an expired certificate", () => at("expired", tls("expired")), /its certificate has expired/],
  [
    "a certificate for another host",
    () => at("misnamed", tls("misnamed")),
    /its certificate is for another host name/,
  ],
  [
    "no certificate where one is expected",
    () => at("mutual", tls()),
    /it expects a certificate of the client.*: set KAFKA_CERT_FILE and KAFKA_KEY_FILE\.$/,
  ],
  [
    "one of several brokers that expects TLS",
    () => {
      const first = at("tls");
      return { ...first, KAFKA_BROKERS: `${broker.brokers.tls},${broker.brokers.tls}` };
    },
    /accepts TLS only/,
  ],
  [
    "an IPv6 address without its user",
    () => at("ipv6", tls()),
    /^KAFKA_SASL_MECHANISM is none, and \[::1\]:\d+ accepts/,
  ],
])("%s ends both programs with a sentence", async (_what, env, sentence) => {
  for (const said of await sentences(env())) {
    expect(said).toMatch(sentence);
    expect(said).not.toContain(KAFKA_PASSWORD);
  }
});

test("a broker that is down is waited for", async () => {
  const lines: string[] = [];
  const log: Log = {
    ...silent,
    warn: (_fields, line) => lines.push(line),
    error: (_fields, line) => lines.push(line),
  };
  const settings = loadModeSettings(
    kafka,
    at("sasl", { ...login("PLAIN"), KAFKA_BROKERS: `127.0.0.1:${await freePort()}` }),
  );
  const problems: Error[] = [];
  const intake = kafka.openIntake(settings, log, (error) => problems.push(error));
  try {
    await until("the outage is logged", () => lines.includes("Kafka unreachable, retrying"));
    expect(problems).toEqual([]);
  } finally {
    await intake.close();
  }
});

describe("the programs", () => {
  const passwordFile = (): string => {
    const file = join(folderForTest(), "password");
    writeFileSync(file, `${KAFKA_PASSWORD}\n`);
    return file;
  };

  test("accept and count orders with the password in a file, and never print it", async () => {
    const env = at("saslTls", {
      ...tls(),
      KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
      KAFKA_USERNAME: USER,
      KAFKA_PASSWORD_FILE: passwordFile(),
      LOG_LEVEL: "debug",
    });
    const { startApi, startWorker, programs } = await processesForTest();
    startWorker("v3", env);
    const api = await startApi(["v3"], env);
    await untilCounted(api.url, ["v3"]);
    for (const { output } of programs) expect(output()).not.toContain(KAFKA_PASSWORD);
  });

  test("end with status 1 and the sentence when the password is wrong", async () => {
    const env = at("sasl", { ...login("PLAIN"), KAFKA_PASSWORD: "wrong", V3_ENABLED: "true", MODE: "v3" });
    const { start } = await processesForTest();
    for (const program of [start(API, env), start(WORKER, env)]) {
      expect(await program.ended).toBe(1);
      expect(program.output()).toMatch(/KAFKA_USERNAME or KAFKA_PASSWORD is wrong/);
    }
  });
});
