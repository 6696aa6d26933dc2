/** Workers of v2 and v3 let orders gather between two statements, and make no backlog wait for that. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import { modes } from "#shared/modes/all.ts";
import type { Delivery, Intake } from "#shared/ports.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { freshDatabase, freshName, silent, someOrders, until } from "./fresh.ts";

let stream: Server;
beforeAll(async () => {
  stream = await startRedis({ name: "redis-stream", role: "stream" });
});
afterAll(() => stream.stop());
let closers: Closers;
beforeEach(() => {
  closers = openClosers();
});
afterEach(() => closers.closeAll());

/** An intake that takes orders, and what a source of the same mode hands over once it is run. */
const openMode = async (name: string, more: Record<string, string>) => {
  const mode = modes.find((each) => each.name === name);
  if (!mode) throw new Error(`there is no ${name}`);
  const own = freshName("orders");
  const settings = loadSettings(mode.knobs, {
    DATABASE_URL: await freshDatabase(),
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    ...{ V2_STREAM: own, V3_TOPIC: own, V3_GROUP: own },
    ...more,
  }) as Record<string, unknown>;
  const intake = mode.openIntake(settings, silent);
  closers.add("intake", () => intake.close());
  const deliveries: Delivery[] = [];
  const run = (): void => {
    const source = mode.openSource(settings, silent);
    const stopping = new AbortController();
    const running = source.run(async (delivery) => void deliveries.push(delivery), stopping.signal);
    closers.add("source", async () => {
      stopping.abort();
      await running;
      await source.close();
    });
  };
  await until(`${name} takes orders`, () => isTaken(intake, someOrders(1)), 30_000);
  return { intake, deliveries, run };
};

const isTaken = (intake: Intake, orders: readonly Order[]): Promise<boolean> =>
  intake.accept(orders).then(
    () => true,
    () => false,
  );

const textOf = (deliveries: readonly Delivery[]): string =>
  deliveries
    .flatMap((each) => (each.kind === "carried" ? each.entries.map(({ payload }) => payload) : []))
    .join("\n");

/** All of them are handed over, each once. */
const untilHandedOver = async (deliveries: readonly Delivery[], orders: readonly Order[]): Promise<void> => {
  await until("all are handed over", () => orders.every(({ id }) => textOf(deliveries).includes(id)), 30_000);
  const text = textOf(deliveries);
  for (const { id } of orders) expect(text.split(id)).toHaveLength(2);
};

test.each(["v2", "v3"])("%s counts orders that come one by one in few statements", async (name) => {
  const { intake, deliveries, run } = await openMode(name, { V2_GATHER_MS: "250", V3_GATHER_MS: "250" });
  run();
  await until("its worker has begun", () => deliveries.length > 0, 30_000);
  const [before, startedAt] = [deliveries.length, performance.now()];
  const orders = someOrders(80);
  for (const order of orders) {
    expect(await isTaken(intake, [order])).toBe(true);
    await sleep(5);
  }
  await untilHandedOver(deliveries, orders);
  const periods = (performance.now() - startedAt) / 250;
  // two members or two partitions at a time, each once in a period, and what was under way
  expect(deliveries.length - before).toBeLessThanOrEqual(2 * Math.ceil(periods) + 2);
});

test("a backlog is counted without a pause between two reads", async () => {
  const { intake, deliveries, run } = await openMode("v2", {
    ...{ V2_GATHER_MS: "1000", V2_BATCH_MAX_ENTRIES: "2", V2_GROUP_MAX_ORDERS: "1" },
  });
  const orders = someOrders(60);
  for (const order of orders) expect(await isTaken(intake, [order])).toBe(true);
  run();
  const startedAt = performance.now();
  await untilHandedOver(deliveries, orders);
  // thirty reads by two members
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
