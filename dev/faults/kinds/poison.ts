/** Orders that can never be counted, put into the transport past the API. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";
import type { Order } from "../../system/client/orders.ts";
import { openDatabase } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Fault, Scene } from "../faults.ts";
import { modesOn } from "../system.ts";
import { type Message, openTransport } from "../transport.ts";

/** An order as an API puts it into the transport. */
const textOf = ({ id, drink, store, cents, timestamp }: Order): string => {
  const acceptedAtMs = Date.now();
  const eventTimeMs = timestamp === null ? acceptedAtMs : Date.parse(timestamp);
  const body = `${drink}\0${store}\0${cents}\0${timestamp === null ? "" : eventTimeMs}`;
  return encodeOrder({ id, drink, store, priceCents: cents, eventTimeMs, acceptedAtMs, body });
};

type Members = Record<string, unknown>;

/** Deeper than PostgreSQL's stack; well within the size of one record. */
const DEPTH = 100_000;

/** Made from an order that is valid otherwise; each has another reason, so that no two in a row are alike. */
const POISONED: readonly ((valid: Members) => string)[] = [
  () => "this is no JSON",
  () => JSON.stringify({ hello: "world" }),
  () => "42",
  // an array itself would be an entry of orders
  () => `{"id":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}}`,
  (valid) => JSON.stringify(valid).slice(0, -20),
  (valid) => JSON.stringify({ ...valid, drink: "lat\u0000te" }),
  (valid) => JSON.stringify(valid).replace('"store":"', '"store":"\\ud800'),
  (valid) => JSON.stringify({ ...valid, id: "not-an-id" }),
  (valid) => JSON.stringify({ ...valid, fingerprint: null }),
  (valid) => JSON.stringify(valid).replace(/"price_cents":\d+/, '"price_cents":1e400'),
  // refused only by a CHECK of the table
  (valid) => JSON.stringify({ ...valid, price_cents: 1_000_001 }),
  (valid) => JSON.stringify({ ...valid, store: "" }),
  (valid) => JSON.stringify({ ...valid, event_time: "2250-01-01T00:00:00Z" }),
];

const ROUNDS = 2;
const PAUSE_MS = 150;
const DEAD_WITHIN_MS = 15_000;
const SHOWN_CHARACTERS = 200;

/**
 * Under load, each poisoned text alone, and each that is JSON also between valid orders, which have to be counted. Ends
 * when exactly these texts are dead letters, byte by byte. No worker may have exited.
 */
const putPoison = async (scene: Scene): Promise<void> => {
  const { system, clients, ledger, random, expected } = scene;
  const transport = await openTransport(system);
  const pool = openDatabase(system.addresses.postgres);
  const pidsNow = () => system.workers.map(({ pid }) => pid());
  const pids = pidsNow();
  const payloads: string[] = [];

  const validText = (): string => {
    const order = clients.order();
    // it is in the transport: what an acknowledged order is
    ledger.add(order, performance.now());
    ledger.record(order.id, "acknowledged");
    return textOf(order);
  };
  const between = (poisoned: string): readonly Message[] => {
    const texts = [validText(), validText(), poisoned, validText()];
    // a record of the topic is one order; its neighbours are counted in the same batch
    return system.backend === "kafka"
      ? texts.map((text) => ({ text, orders: 1 }))
      : [{ text: `[${texts.join(",")}]`, orders: texts.length }];
  };
  const put = async (poison: (valid: Members) => string): Promise<void> => {
    const poisoned = poison(JSON.parse(textOf(clients.order())) as Members);
    const isBetween = random.next() < 0.5 && isJson(poisoned);
    await transport.put(isBetween ? between(poisoned) : [{ text: poisoned, orders: 1 }]);
    payloads.push(poisoned);
    expected.deadLetters++;
  };
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const poison of POISONED) {
        await put(poison);
        await sleep(PAUSE_MS);
      }
    await untilDead(pool, payloads);
  } finally {
    await Promise.all([transport.close(), pool.end()]);
  }
  if (!isDeepStrictEqual(pidsNow(), pids)) throw new Error("a worker exited because of the poison");
};

const untilDead = async (pool: Pool, payloads: readonly string[]): Promise<void> => {
  const wanted = payloads.toSorted();
  let dead: string[] = [];
  const areDead = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ payload: Buffer }>("SELECT payload FROM dead_letters");
    dead = rows.map(({ payload }) => payload.toString()).sort();
    return isDeepStrictEqual(dead, wanted);
  };
  await waitUntil("the poison is in dead_letters", areDead, DEAD_WITHIN_MS).catch((error: Error) => {
    const missing = wanted.filter((text) => !dead.includes(text));
    const others = dead.filter((text) => !wanted.includes(text));
    throw new Error(`${error.message}: missing ${shortOf(missing)}; unexpected ${shortOf(others)}`);
  });
};

const shortOf = (texts: readonly string[]): string =>
  texts.map((text) => text.slice(0, SHOWN_CHARACTERS)).join(" | ") || "none";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // some of the poison is none
    return false;
  }
};

export const poison: Fault = {
  name: "poison",
  // v1's orders are rows: what the table refuses is refused to the client, as in huge-bodies and every run
  modes: modesOn("stream", "kafka"),
  strike: putPoison,
  recoverWithinSeconds: 15,
};
