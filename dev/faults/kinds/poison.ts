/** What can never be counted, put where no API would have let it. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { v7 as newOrderId } from "uuid";
import type { Pool } from "#shared/store/pool.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";
import { openDatabase } from "../../system/database.ts";
import { waitUntil } from "../../system/wait.ts";
import { openCarrier, type Parcel } from "../carrier.ts";
import type { Order } from "../clients.ts";
import type { Fault, Scene } from "../fault.ts";

/** An order as an API would have put it in. */
const messageOf = ({ id, body: { drink, store, cents, timestamp } }: Order): string => {
  const acceptedAtMs = Date.now();
  const eventTimeMs = timestamp === null ? acceptedAtMs : Date.parse(timestamp);
  const body = `${drink}\0${store}\0${cents}\0${timestamp === null ? "" : eventTimeMs}`;
  return encodeOrder({ id, drink, store, priceCents: cents, eventTimeMs, acceptedAtMs, body });
};

type Members = Record<string, unknown>;

/** Nested deeper than PostgreSQL's stack; well inside what one record may hold. */
const DEPTH = 100_000;

/** Each has another reason, so that no two in a row are alike; made from an order that is good otherwise. */
const SPOILED: readonly ((good: Members) => string)[] = [
  () => "this is no JSON",
  () => JSON.stringify({ hello: "world" }),
  () => "42",
  // an array itself would be an entry of orders
  () => `{"id":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}}`,
  (good) => JSON.stringify(good).slice(0, -20),
  (good) => JSON.stringify({ ...good, drink: "lat\u0000te" }),
  (good) => JSON.stringify(good).replace('"store":"', '"store":"\\ud800'),
  (good) => JSON.stringify({ ...good, id: "not-an-id" }),
  (good) => JSON.stringify({ ...good, fingerprint: null }),
  (good) => JSON.stringify(good).replace(/"price_cents":\d+/, '"price_cents":1e400'),
  // what only a CHECK of the table refuses
  (good) => JSON.stringify({ ...good, price_cents: 1_000_001 }),
  (good) => JSON.stringify({ ...good, store: "" }),
  (good) => JSON.stringify({ ...good, event_time: "2250-01-01T00:00:00Z" }),
];

const ROUNDS = 2;
const PAUSE_MS = 150;
const SET_ASIDE_MS = 15_000;
const SHOWN_CHARACTERS = 200;

/**
 * Under load, each spoiled text alone and each that is JSON also in the middle of good orders, which have to be counted.
 * It ends when exactly what was sown is kept aside, byte by byte; workers must not have ended for it.
 */
const sowPoison = async (scene: Scene): Promise<void> => {
  const { ground, clients, ledger, random, sown } = scene;
  const carrier = await openCarrier(ground);
  const pool = openDatabase(ground.addresses.postgres);
  const pids = ground.workers.map(({ pid }) => pid());
  const payloads: string[] = [];

  const goodText = (): string => {
    const order = clients.order();
    // it is in the transport before the reply could be; until then nobody looks
    ledger.add(order.id, order.body, performance.now());
    ledger.record(order.id, "acknowledged");
    return messageOf(order);
  };
  const among = (bad: string): readonly Parcel[] => {
    const texts = [goodText(), goodText(), bad, goodText()];
    // a record of the topic is one order; its neighbours are in the same batch
    return ground.mode === "v3"
      ? texts.map((text) => ({ text, orders: 1 }))
      : [{ text: `[${texts.join(",")}]`, orders: texts.length }];
  };
  const sow = async (spoil: (good: Members) => string): Promise<void> => {
    const { id, body } = { ...clients.order(), id: newOrderId() };
    const spoiled = spoil(JSON.parse(messageOf({ id, body })) as Members);
    const isAmong = random.next() < 0.5 && isJson(spoiled);
    await carrier.put(isAmong ? among(spoiled) : [{ text: spoiled, orders: 1 }]);
    payloads.push(spoiled);
    sown.deadLetters++;
  };
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const spoil of SPOILED) {
        await sow(spoil);
        await sleep(PAUSE_MS);
      }
    await untilSetAside(pool, payloads);
  } finally {
    await Promise.all([carrier.close(), pool.end()]);
  }
  if (
    !isDeepStrictEqual(
      ground.workers.map(({ pid }) => pid()),
      pids,
    )
  )
    throw new Error("a worker ended of the poison");
};

const untilSetAside = async (pool: Pool, payloads: readonly string[]): Promise<void> => {
  const wanted = payloads.toSorted();
  let kept: string[] = [];
  const isSetAside = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ payload: Buffer }>("SELECT payload FROM dead_letters");
    kept = rows.map(({ payload }) => payload.toString()).sort();
    return isDeepStrictEqual(kept, wanted);
  };
  await waitUntil("what was sown is kept aside", isSetAside, SET_ASIDE_MS).catch((error: Error) => {
    const missing = wanted.filter((text) => !kept.includes(text));
    const others = kept.filter((text) => !wanted.includes(text));
    throw new Error(`${error.message}: missing ${shortOf(missing)}; not sown ${shortOf(others)}`);
  });
};

const shortOf = (texts: readonly string[]): string =>
  texts.map((text) => text.slice(0, SHOWN_CHARACTERS)).join(" | ") || "none";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // that it is none is what is sown
    return false;
  }
};

export const poison: Fault = {
  name: "poison",
  // v1's orders are rows: what the table refuses is refused to the client, which huge-bodies and every run has
  modes: ["v2", "v3"],
  strike: sowPoison,
  recoverWithinSeconds: 15,
};
