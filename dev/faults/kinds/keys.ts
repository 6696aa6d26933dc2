/** One key from many clients at once, and clients that are gone before they are answered. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import type { Body } from "../../system/account.ts";
import { openDatabase } from "../../system/database.ts";
import type { Order } from "../clients.ts";
import { type Answer, exchange, sendAndReset } from "../exchange.ts";
import type { Fault, Scene } from "../fault.ts";
import { batchMember, batchOf, JSON_TYPE, singleOf } from "../order-requests.ts";

const CLIENTS = 50;
const KEYS = 4;
const BODIES = 3;
const AGAIN_MS = 300;
const ANSWERED_MS = 20_000;

/** All clients of a key at once, each until it has an answer that is one: taken, or refused for good. */
const allAtOnce = async ({ ground, random }: Scene, id: string, bodies: readonly Body[]): Promise<Told[]> => {
  const ask = async (_: unknown, index: number): Promise<Told> => {
    const body = bodies[index % bodies.length] as Body;
    for (const endMs = performance.now() + ANSWERED_MS; ; await sleep(AGAIN_MS)) {
      const answer = await exchange(random.pick(ground.urls), singleOf(ground.mode, { id, body }));
      if (answer.status !== null && answer.status !== 503) return { body, answer };
      if (performance.now() > endMs) throw new Error(`a client of one key was told ${answer.status} only`);
    }
  };
  return Promise.all(Array.from({ length: CLIENTS }, ask));
};

type Told = { readonly body: Body; readonly answer: Answer };

const isTaken = ({ answer: { status } }: Told): boolean => status === 200 || status === 201 || status === 202;

/** v1 has to say at once who lost; in the others everybody is told "queued", and the rest is written down. */
const shareKey = async (scene: Scene, bodyCount: number): Promise<void> => {
  const { ground, clients, ledger, sown } = scene;
  const id = newOrderId();
  const { body } = clients.order();
  const bodies = Array.from({ length: bodyCount }, (_, index) => ({ ...body, cents: body.cents + index }));
  const dueMs = performance.now();
  const told = await allAtOnce(scene, id, bodies);
  const taken = told.filter(isTaken);
  const winners = bodies.filter((body) => taken.some((each) => each.body === body));
  const [winner, ...others] = winners;
  if (winner === undefined) throw new Error(`nobody's order was taken of ${CLIENTS} under one key`);
  ledger.add(id, winner, dueMs, others);
  ledger.record(id, "acknowledged");
  const statuses = told.map(({ answer }) => answer.status);
  const times = (status: number): number => statuses.filter((each) => each === status).length;
  if (ground.mode === "v1") {
    const isReplay = ({ answer }: Told): boolean =>
      answer.status !== 200 || answer.headers.includes("idempotency-replayed: true");
    if (winners.length > 1) throw new Error(`${winners.length} bodies were taken under one key`);
    if (times(201) > 1) throw new Error(`${times(201)} clients were told that theirs was the first`);
    if (times(200) + times(201) + times(422) !== CLIENTS || !told.every(isReplay))
      throw new Error(`under one key clients were told ${[...new Set(statuses)].join(", ")}`);
  } else {
    if (times(202) !== CLIENTS)
      throw new Error(`under one key clients were told ${[...new Set(statuses)].join(", ")}`);
    sown.conflicts += bodyCount - 1;
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
 * Batches in which each id comes with two bodies, anywhere in the batch. A call's orders share one durable write, so the
 * first of each pair has to be stored; without a rule about half of the others would be.
 */
const sendPairs = async (scene: Scene): Promise<void> => {
  const { ground, clients, ledger, random, sown } = scene;
  for (let batch = 0; batch < PAIR_BATCHES; batch++) {
    const orders = Array.from({ length: PAIRS }, () => clients.order());
    const others = orders.map(({ id, body }) => ({ id, body: { ...body, cents: body.cents + 1 } }));
    const pairs = random.shuffled([...orders, ...others]);
    const dueMs = performance.now();
    for (const { id, body } of pairs) if (!ledger.get(id)) ledger.add(id, body, dueMs);
    await takeBatch(scene, pairs);
    for (const { id } of orders) ledger.record(id, "acknowledged");
    // v1 refuses the second body in its reply; the others find it when they count
    if (ground.mode !== "v1") sown.conflicts += PAIRS;
  }
};

/** Sends the same batch until it is taken. */
const takeBatch = async ({ ground, random }: Scene, orders: readonly Order[]): Promise<void> => {
  const request = batchOf(ground.mode, JSON_TYPE, `[${orders.map(batchMember).join(",")}]`);
  for (const endMs = performance.now() + ANSWERED_MS; ; await sleep(AGAIN_MS)) {
    const { status } = await exchange(random.pick(ground.urls), request);
    if (status === 201 || status === 202) return;
    if (performance.now() > endMs) throw new Error(`a batch of pairs was answered ${status} only`);
  }
};

const CUT_CLIENTS = 200;
const CUT_AT_ONCE = 20;
const CUT_AFTER_MS = 6;
const CUT_BATCH_ORDERS = 10;
const ARRIVED_MS = 2_000;

/** The whole request is sent and the connection reset; half of the requests are sent again later, under their keys. */
const cutClients = async ({ ground, clients, ledger, random }: Scene): Promise<void> => {
  const all: Order[][] = [];
  const cutOne = async (): Promise<void> => {
    const isBatch = random.next() < 0.2;
    const orders = Array.from({ length: isBatch ? CUT_BATCH_ORDERS : 1 }, () => clients.order());
    for (const { id, body } of orders) {
      ledger.add(id, body, performance.now());
      ledger.record(id, "unknown");
    }
    all.push(orders);
    const [first] = orders as [Order];
    const request = isBatch
      ? batchOf(ground.mode, JSON_TYPE, `[${orders.map(batchMember).join(",")}]`)
      : singleOf(ground.mode, first);
    await sendAndReset(random.pick(ground.urls), request, random.below(CUT_AFTER_MS));
  };
  for (let cut = 0; cut < CUT_CLIENTS; cut += CUT_AT_ONCE)
    await Promise.all(Array.from({ length: CUT_AT_ONCE }, cutOne));
  await sleep(ARRIVED_MS);
  const pool = openDatabase(ground.addresses.postgres);
  try {
    const ids = all.flat().map(({ id }) => id);
    const { rows } = await pool.query("SELECT FROM orders WHERE order_id = ANY($1::uuid[])", [ids]);
    // where none arrives, nothing is shown
    if (rows.length === 0) throw new Error("every cut request was lost on the way: they were cut too early");
  } finally {
    await pool.end();
  }
  await Promise.all(all.filter(() => random.next() < 0.5).map((orders) => clients.send(orders)));
};

export const keys: readonly Fault[] = [
  { name: "one-key", strike: shareKeys, recoverWithinSeconds: 20 },
  { name: "one-id-two-bodies", strike: sendPairs, recoverWithinSeconds: 20 },
  { name: "client-cut", strike: cutClients, recoverWithinSeconds: 20 },
];
