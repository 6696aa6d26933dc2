/** The topic's own retention and intake: no uncounted order may be dropped unnoticed. */
import { expect, inject, onTestFinished, test } from "vitest";
import { freshName, silent, until } from "../../../test/fresh.ts";
import { type System, startSystem } from "../../../test/system.ts";
import { startWorkerHere } from "../../../test/worker-here.ts";
import { loadSettings } from "../../runtime/config.ts";
import { openKafka } from "./client.ts";
import { type KafkaSettings, kafka, kafkaKnobs } from "./mode.ts";
import { verifyTopic, warnOfRetention } from "./topic.ts";

const openAdmin = async () => {
  const admin = openKafka({ kafkaBrokers: inject("kafkaBrokers") }, "test", silent, "patient").admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
};
type Admin = Awaited<ReturnType<typeof openAdmin>>;
const createTopic = (admin: Admin, topic: string, retentionMs: number): Promise<boolean> => {
  const configEntries = [{ name: "retention.ms", value: String(retentionMs) }];
  return admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2, configEntries }] });
};
const settingsFor = (topic: string) =>
  loadSettings(kafkaKnobs, {
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V3_TOPIC: topic,
    V3_GROUP: topic,
  }) as KafkaSettings;

const post = (system: System): Promise<Response> =>
  fetch(`${system.url}/api/v3/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
  });
const health = async (system: System): Promise<string | undefined> => {
  const reply = (await (await fetch(`${system.url}/readyz`)).json()) as {
    modes: Record<string, { health: string }>;
  };
  return reply.modes["v3"]?.health;
};

test("rejects orders once the oldest has waited for half the topic's retention, until it is counted", async () => {
  const topic = freshName("orders");
  await createTopic(await openAdmin(), topic, 8_000);
  const env = { V3_TOPIC: topic, V3_GROUP: topic };
  const system = await startSystem({ modes: ["v3"], workers: false, env });
  onTestFinished(() => system.close());
  const first = Date.now();
  expect((await post(system)).status).toBe(202);
  expect((await post(system)).status).toBe(202);
  await until("the limit is reached", async () => (await health(system)) === "lagging");
  expect(Date.now() - first).toBeGreaterThan(3_800);
  const rejected = await post(system);
  expect(rejected.status).toBe(503);
  expect(rejected.headers.get("retry-after")).not.toBeNull();
  expect(await rejected.json()).toMatchObject({
    type: "lag",
    detail: expect.stringMatching(/half the time that this mode keeps them; not taken/),
  });
  const worker = startWorkerHere(kafka, settingsFor(topic), system.board.url, system.pool);
  onTestFinished(async () => void (await worker.stop()));
  await until("orders are accepted again", async () => (await post(system)).status === 202);
});

test("logs a topic that keeps orders for less time than V3_RETENTION_HOURS", async () => {
  const admin = await openAdmin();
  const warnings: object[] = [];
  const log = { ...silent, warn: (fields: object) => warnings.push(fields) };
  const keptIn = async (topic: string, retentionMs: number): Promise<number> => {
    await createTopic(admin, topic, retentionMs);
    const facts = await verifyTopic(admin, settingsFor(topic));
    warnOfRetention(facts, settingsFor(topic), log);
    return facts.keptMs;
  };
  const short = freshName("short");
  expect(await keptIn(short, 3_600_000)).toBe(3_600_000);
  expect(warnings).toEqual([expect.objectContaining({ topic: short, retentionHours: 1 })]);
  expect(await keptIn(freshName("unlimited"), -1)).toBe(Number.POSITIVE_INFINITY);
  expect(warnings).toHaveLength(1);
});
