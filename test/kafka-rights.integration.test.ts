/** The rights that docs/deployment.md lists for Kafka are enough, and each that is missing is named. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKafka } from "#shared/modes/kafka/client.ts";
import { kafka } from "#shared/modes/kafka/mode.ts";
import { loadModeSettings } from "#shared/runtime/config.ts";
import { silent, someOrders, until } from "./fresh.ts";
import {
  carry,
  type Env,
  LIMITED,
  listenerEnv,
  login,
  type SecuredKafka,
  startSecuredKafka,
} from "./secured-kafka.ts";

let broker: SecuredKafka;
beforeAll(async () => {
  broker = await startSecuredKafka();
});
afterAll(() => broker?.stop());

// Node cannot import these names from a CommonJS module
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const { READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperationTypes;
const grant = async (name: string, operations: { topic?: number[]; group?: number[] }): Promise<void> => {
  const admin = openKafka({ kafkaBrokers: broker.brokers.plain }, "test", silent, "patient").admin();
  await admin.connect();
  const allow = (resourceType: number, granted: number[] = []) =>
    granted.map((operation) => ({
      resourceType,
      resourceName: name,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${LIMITED}`,
      host: "*",
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    }));
  const acl = [
    ...allow(AclResourceTypes.TOPIC, operations.topic),
    ...allow(AclResourceTypes.GROUP, operations.group),
  ];
  if (acl.length > 0) await admin.createAcls({ acl });
  await admin.disconnect();
};
const limited = (): Env => listenerEnv(broker, "sasl", login("SCRAM-SHA-256", LIMITED));

const page = readFileSync(join(import.meta.dirname, "../docs/deployment.md"), "utf8");
const operations: Readonly<Record<string, number>> = {
  Create: CREATE,
  Describe: DESCRIBE,
  DescribeConfigs: DESCRIBE_CONFIGS,
  Read: READ,
  Write: WRITE,
};
/** The rights in a row of the page's table. */
const listedFor = (program: string): { topic: number[]; group: number[] } => {
  const row = page.split("\n").find((line) => line.startsWith(`| ${program} | \`Describe`)) ?? "";
  const [, , topic = "", group = ""] = row.split("|");
  const read = (cell: string): number[] =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => operations[name] ?? 0);
  return { topic: read(topic), group: read(group) };
};

test("those of the documentation are enough", async () => {
  const env = limited();
  const [api, worker] = [listedFor("order API"), listedFor("worker")];
  expect([api, worker].map(({ topic, group }) => topic.length + group.length)).toEqual([4, 3]);
  await grant(env["V3_TOPIC"] ?? "", {
    topic: [CREATE, ...api.topic, ...worker.topic],
    group: [...api.group, ...worker.group],
  });
  await carry(env);
});

test.each([
  ["on the topic", {}, "the topic (V3_TOPIC)"],
  ["to read the topic's settings", { topic: [CREATE, DESCRIBE, WRITE] }, "the topic (V3_TOPIC)"],
  [
    "on the group",
    { topic: [CREATE, DESCRIBE, DESCRIBE_CONFIGS, WRITE, READ] },
    "the consumer group (V3_GROUP)",
  ],
])("a missing right %s ends the API with a sentence", async (_what, rights, on) => {
  const env = limited();
  await grant(env["V3_TOPIC"] ?? "", rights);
  const failed = Promise.withResolvers<Error>();
  const intake = kafka.openIntake(loadModeSettings(kafka, env), silent, failed.resolve);
  const { message } = await failed.promise;
  await intake.close();
  expect(message).toContain(`KAFKA_USERNAME: the Kafka user "limited" lacks a right on ${on}: "`);
  expect(message).toContain('Grant the rights in docs/deployment.md, "Kafka rights".');
});

test.each([
  ["to read the topic", { topic: [CREATE, DESCRIBE], group: [READ] }, "the topic (V3_TOPIC)"],
  ["on the group", { topic: [CREATE, DESCRIBE, READ] }, "the consumer group (V3_GROUP)"],
])("a missing right %s ends a worker with a sentence", async (_what, rights, on) => {
  const env = limited();
  await grant(env["V3_TOPIC"] ?? "", rights);
  const source = kafka.openSource(loadModeSettings(kafka, env), silent);
  const run = source.run(async () => undefined, new AbortController().signal);
  await expect(run).rejects.toThrow(`lacks a right on ${on}`);
});

test("without the right to write orders are refused with a sentence", async () => {
  const env = limited();
  await grant(env["V3_TOPIC"] ?? "", { topic: [CREATE, DESCRIBE, DESCRIBE_CONFIGS], group: [READ] });
  const intake = kafka.openIntake(loadModeSettings(kafka, env), silent);
  let reason = "";
  await until("the refusal names the right", async () => {
    reason = await intake.accept(someOrders(1)).then(
      () => "accepted",
      (error: Error) => error.message,
    );
    return reason.includes("lacks a right on the topic (V3_TOPIC)");
  });
  await intake.close();
});
