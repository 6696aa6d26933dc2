/** The smallest possible mode: it shows that a new mode is one folder, and that the contract suite tests it. */
import { type Static, Type } from "typebox";
import type { Order } from "#shared/domain/order.ts";
import { groupWrites } from "#shared/modes/group.ts";
import { DECISION_MS, STALE_MS } from "#shared/modes/queue.ts";
import {
  type Backlog,
  type Intake,
  type Mode,
  type Receipt,
  type Source,
  Unavailable,
} from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { pause } from "#shared/runtime/retry.ts";
import type { ServerName } from "#shared/servers.ts";
import { encodeOrder } from "#shared/wire/order-message.ts";

const knobs = Type.Object({
  memoryUrl: Type.String({ description: "the server, as http://host:port" }),
  memoryQueue: Type.String({ default: "orders", description: "the queue of the orders" }),
  memoryGroupMaxOrders: Type.Integer({ default: 500, description: "orders in one request" }),
  memoryMaxQueuedOrders: Type.Integer({ default: 10_000, description: "orders that wait for a request" }),
  memoryLeaseMs: Type.Integer({
    default: 1_000,
    description: "an order that is not settled by then is redelivered",
  }),
});
type Settings = Static<typeof knobs>;

const REPLY_WITHIN_MS = 1_500;
const POLL_MS = 20;
const BATCH_ORDERS = 500;

const call = async <T>(url: string, method: string, path: string, body?: unknown): Promise<T> => {
  const signal = AbortSignal.timeout(REPLY_WITHIN_MS);
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await (await fetch(url + path, { method, signal, ...sent })).json()) as T;
};

const urlOf = ({ memoryUrl, memoryQueue }: Settings): string => `${memoryUrl}/${memoryQueue}`;

const openIntake = (settings: Settings): Intake => {
  const url = urlOf(settings);
  const append = async (orders: readonly Order[]): Promise<Receipt[]> => {
    try {
      await call(url, "PUT", "/orders", orders.map(encodeOrder));
      return orders.map(() => ({ replayed: false }));
    } catch (error) {
      throw new Unavailable("outcome_unknown", messageOf(error), error);
    }
  };
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.memoryGroupMaxOrders,
      maxInFlight: 2,
      maxQueued: settings.memoryMaxQueuedOrders,
      lingerMs: 0,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    append,
  );
  const backlog = (): Promise<Backlog> => call(url, "GET", "/backlog");
  return {
    accept: group.add,
    isFull: group.isFull,
    backlog,
    probe: async () => void (await backlog()),
    verified: () => ({}),
    close: group.close,
  };
};

type Leased = readonly { readonly id: number; readonly payload: string }[];

const openSource = (settings: Settings): Source => ({
  run: async (count, signal) => {
    const url = urlOf(settings);
    const forMs = settings.memoryLeaseMs;
    while (!signal.aborted) {
      const leased = await call<Leased>(url, "POST", "/lease", { max: BATCH_ORDERS, forMs }).catch(() => []);
      const last = leased.at(-1);
      if (last === undefined) {
        await pause(POLL_MS, signal);
        continue;
      }
      const entries = leased.map(({ id, payload }) => ({ origin: String(id), payload }));
      await count({ kind: "carried", part: 0, position: String(last.id), entries });
      // an order whose settling fails is delivered, and found to be counted, again
      await call(
        url,
        "POST",
        "/settle",
        leased.map(({ id }) => id),
      ).catch(() => undefined);
    }
  },
  close: async () => undefined,
});

export const memory: Mode = {
  name: "memory",
  title: "a queue in memory",
  // a product mode's server stands in shared/servers.ts
  backend: "memory" as ServerName,
  accepts: "queued",
  knobs,
  durability: () => "202: in the memory of one process",
  openIntake: (settings) => openIntake(settings as Settings),
  openSource: (settings) => openSource(settings as Settings),
};
