/** One key from many clients at the same time, one id with two bodies, and clients that reset before the reply. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import type { Received } from "../../system/client/connections.ts";
import type { Order } from "../../system/client/orders.ts";
import { numberOf, withDatabase } from "../../system/database.ts";
import type { Fault, Scene } from "../faults.ts";
import { rawRequestOf, sendAndReset } from "../raw-requests.ts";

const CLIENTS = 50;
const KEYS = 4;
const BODIES = 3;
const RETRY_MS = 300;
const REPLIED_WITHIN_MS = 20_000;

/** Sends the same orders until the reply is neither missing nor a 503. */
const untilReplied = async ({ clients }: Scene, orders: readonly Order[]): Promise<Received> => {
  for (const endMs = performance.now() + REPLIED_WITHIN_MS; ; await sleep(RETRY_MS)) {
    const { received } = await clients.attempt(orders);
    if (received.status !== 0 && received.status !== 503) return received;
    if (performance.now() > endMs)
      throw new Error(`the last reply to ${orders[0]?.id} was ${received.status}`);
  }
};

/** Sends one key with so many bodies. v1 has to name the losers in its replies; the other modes record conflicts. */
const shareKey = async (scene: Scene, bodyCount: number): Promise<void> => {
  const { system, clients, ledger, expected } = scene;
  const first = { ...clients.order(), id: newOrderId() };
  const bodies = Array.from({ length: bodyCount }, (_, index) => ({ ...first, cents: first.cents + index }));
  const dueMs = performance.now();
  const replies = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const order = bodies[index % bodies.length] as Order;
      return { order, reply: await untilReplied(scene, [order]) };
    }),
  );
  const accepted = replies.filter(({ reply }) => reply.status < 300);
  const winners = bodies.filter((body) => accepted.some(({ order }) => order === body));
  const [winner, ...others] = winners;
  if (winner === undefined) throw new Error(`none of ${CLIENTS} orders under one key was accepted`);
  ledger.add(winner, dueMs, others);
  ledger.record(first.id, "acknowledged");
  const count = (status: number): number => replies.filter(({ reply }) => reply.status === status).length;
  const statuses = [...new Set(replies.map(({ reply }) => reply.status))].join(", ");
  if (system.backend === "postgres") {
    const areReplays = replies.every(({ reply }) => reply.status !== 200 || reply.isReplay);
    if (winners.length > 1) throw new Error(`${winners.length} bodies were accepted under one key`);
    if (count(201) > 1) throw new Error(`${count(201)} clients received 201 under one key`);
    if (count(200) + count(201) + count(422) !== CLIENTS || !areReplays)
      throw new Error(`clients of one key received ${statuses}`);
  } else {
    if (count(202) !== CLIENTS) throw new Error(`clients of one key received ${statuses}`);
    expected.conflicts += bodyCount - 1;
  }
};

const shareKeys = async (scene: Scene): Promise<void> => {
  for (let key = 0; key < KEYS; key++) {
    await shareKey(scene, 1);
    await shareKey(scene, 2);
    await shareKey(scene, BODIES);
  }
};

const PAIR_BATCHES = 3;
const PAIRS = 400;

/**
 * Batches in which each id comes with two bodies, anywhere in the batch. The orders of a request share one durable
 * write, so the first of each pair has to be stored; without a rule about half of the others would be.
 */
const sendPairs = async (scene: Scene): Promise<void> => {
  const { system, clients, ledger, random, expected } = scene;
  for (let batch = 0; batch < PAIR_BATCHES; batch++) {
    const orders = Array.from({ length: PAIRS }, () => clients.order());
    const others = orders.map((order) => ({ ...order, cents: order.cents + 1 }));
    const pairs = random.shuffled([...orders, ...others]);
    const dueMs = performance.now();
    for (const order of pairs) if (!ledger.get(order.id)) ledger.add(order, dueMs);
    const { status } = await untilReplied(scene, pairs);
    if (status !== 201 && status !== 202) throw new Error(`the reply to a batch of pairs was ${status}`);
    for (const { id } of orders) ledger.record(id, "acknowledged");
    // v1 rejects the second body in its reply; the others find it when they count
    if (system.backend !== "postgres") expected.conflicts += PAIRS;
  }
};

const RESET_CLIENTS = 200;
const RESET_AT_ONCE = 20;
const RESET_WITHIN_MS = 6;
const RESET_BATCH_ORDERS = 10;
const ARRIVED_MS = 2_000;

/** The whole request is sent and the connection reset; half of the requests are sent again later, under their ids. */
const resetConnections = async ({ system, clients, ledger, random }: Scene): Promise<void> => {
  const all: Order[][] = [];
  const resetOne = async (): Promise<void> => {
    const count = random.next() < 0.2 ? RESET_BATCH_ORDERS : 1;
    const orders = Array.from({ length: count }, () => clients.order());
    for (const order of orders) {
      ledger.add(order, performance.now());
      ledger.record(order.id, "unknown");
    }
    all.push(orders);
    const request = rawRequestOf(system.mode, orders);
    await sendAndReset(random.pick(system.urls), request, random.below(RESET_WITHIN_MS));
  };
  for (let sent = 0; sent < RESET_CLIENTS; sent += RESET_AT_ONCE)
    await Promise.all(Array.from({ length: RESET_AT_ONCE }, resetOne));
  await sleep(ARRIVED_MS);
  const ids = all.flat().map(({ id }) => id);
  const arrived = await withDatabase(system.addresses.postgres, (pool) =>
    numberOf(pool, "SELECT count(*) FROM orders WHERE order_id = ANY($1::uuid[])", [ids]),
  );
  // then the fault would prove nothing
  if (arrived === 0) throw new Error("no request of a reset connection arrived: reset too early");
  await Promise.all(all.filter(() => random.next() < 0.5).map((orders) => clients.send(orders)));
};

export const keys: readonly Fault[] = [
  { name: "one-key", strike: shareKeys, recoverWithinSeconds: 20 },
  { name: "one-id-two-bodies", strike: sendPairs, recoverWithinSeconds: 20 },
  { name: "client-cut", strike: resetConnections, recoverWithinSeconds: 20 },
];
