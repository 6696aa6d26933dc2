/** Workers of v2 and v3 let single orders gather between two statements, but not a backlog. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { modeNamed } from "#shared/modes/all.ts";
import type { Delivery, Intake } from "#shared/ports.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { isFulfilled } from "./contract/mode-under-test.ts";
import { freshDatabase, freshName, silent, someOrders, until } from "./fresh.ts";

let stream: Server;
beforeAll(async () => {
  stream = await startRedis({ name: "redis-stream", role: "stream" });
});
afterAll(() => stream.stop());

/** An intake that accepts orders, and the deliveries of a source of the same mode once it runs. */
const openMode = async (name: string, more: Record<string, string>) => {
  const mode = modeNamed(name);
  const own = freshName("orders");
  const settings = loadSettings(mode.knobs, {
    DATABASE_URL: await freshDatabase(),
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    ...{ V2_STREAM: own, V3_TOPIC: own, V3_GROUP: own },
    ...more,
  }) as Record<string, unknown>;
  const intake = mode.openIntake(settings, silent);
  onTestFinished(() => intake.close());
  const deliveries: Delivery[] = [];
  const run = (): void => {
    const source = mode.openSource(settings, silent);
    const stopping = new AbortController();
    const running = source.run(async (delivery) => void deliveries.push(delivery), stopping.signal);
    onTestFinished(async () => {
      stopping.abort();
      await running;
      await source.close();
    });
  };
  await until(`${name} accepts orders`, () => isAccepted(intake, someOrders(1)));
  return { intake, deliveries, run };
};

const isAccepted = (intake: Intake, orders: readonly Order[]): Promise<boolean> =>
  isFulfilled(intake.accept(orders));

const textOf = (deliveries: readonly Delivery[]): string =>
  deliveries
    .flatMap((each) => (each.kind === "carried" ? each.entries.map(({ payload }) => payload) : []))
    .join("\n");

/** Waits until all of them are delivered, and expects each once. */
const untilDelivered = async (deliveries: readonly Delivery[], orders: readonly Order[]): Promise<void> => {
  await until("all are delivered", () => orders.every(({ id }) => textOf(deliveries).includes(id)));
  const text = textOf(deliveries);
  for (const { id } of orders) expect(text.split(id)).toHaveLength(2);
};

test.each(["v2", "v3"])("%s delivers single orders in few batches", async (name) => {
  const { intake, deliveries, run } = await openMode(name, { V2_GATHER_MS: "250", V3_GATHER_MS: "250" });
  run();
  await until("the source delivers", () => deliveries.length > 0);
  const [before, startedAt] = [deliveries.length, performance.now()];
  const orders = someOrders(80);
  for (const order of orders) {
    expect(await isAccepted(intake, [order])).toBe(true);
    await sleep(5);
  }
  await untilDelivered(deliveries, orders);
  const periods = (performance.now() - startedAt) / 250;
  // two members or two partitions, each once in a period, and those in progress
  expect(deliveries.length - before).toBeLessThanOrEqual(2 * Math.ceil(periods) + 2);
});

test("a backlog is delivered without a pause between two reads", async () => {
  const { intake, deliveries, run } = await openMode("v2", {
    ...{ V2_GATHER_MS: "1000", V2_BATCH_MAX_ENTRIES: "2", V2_GROUP_MAX_ORDERS: "1" },
  });
  const orders = someOrders(400);
  for (let start = 0; start < orders.length; start += 20) {
    const accepted = orders.slice(start, start + 20).map((order) => isAccepted(intake, [order]));
    expect(await Promise.all(accepted)).not.toContain(false);
  }
  run();
  const startedAt = performance.now();
  await untilDelivered(deliveries, orders);
  // two hundred reads by two members: with a pause of 1 s after each they take 100 s
  expect(performance.now() - startedAt).toBeLessThan(80_000);
});
