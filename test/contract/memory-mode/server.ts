/**
 * The backend of the memory mode: queues in this process' memory, over HTTP, for tests alone. An order stays in its
 * queue until it is settled; a lease keeps it from other consumers for a while.
 *
 *   PUT /QUEUE/orders    [payload, ...]              appends them
 *   POST /QUEUE/lease    {"max": n, "forMs": n}      returns [{id, payload}, ...]
 *   POST /QUEUE/settle   [id, ...]                   removes them
 *   GET /QUEUE/backlog                               returns {orders, oldestMs}
 */
import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";

type Queued = { readonly payload: string; readonly addedAtMs: number; leasedUntilMs: number };

type Queue = Map<number, Queued>;

const queues = new Map<string, Queue>();
let lastId = 0;

const queueNamed = (name: string): Queue => {
  const queue = queues.get(name) ?? new Map();
  queues.set(name, queue);
  return queue;
};

const append = (queue: Queue, payloads: readonly string[]): object => {
  for (const payload of payloads) queue.set(++lastId, { payload, addedAtMs: Date.now(), leasedUntilMs: 0 });
  return {};
};

const lease = (queue: Queue, { max, forMs }: { max: number; forMs: number }): object => {
  const nowMs = Date.now();
  const leased: object[] = [];
  for (const [id, queued] of queue) {
    if (leased.length === max) break;
    if (queued.leasedUntilMs > nowMs) continue;
    queued.leasedUntilMs = nowMs + forMs;
    leased.push({ id, payload: queued.payload });
  }
  return leased;
};

const settle = (queue: Queue, ids: readonly number[]): object => {
  for (const id of ids) queue.delete(id);
  return {};
};

const backlog = (queue: Queue): object => {
  const [oldest] = queue.values();
  return { orders: queue.size, oldestMs: oldest ? Date.now() - oldest.addedAtMs : 0 };
};

const answer = async (request: IncomingMessage): Promise<object> => {
  const [, name = "", action] = (request.url ?? "").split("/");
  const queue = queueNamed(name);
  switch (action) {
    case "orders":
      return append(queue, (await json(request)) as string[]);
    case "lease":
      return lease(queue, (await json(request)) as { max: number; forMs: number });
    case "settle":
      return settle(queue, (await json(request)) as number[]);
    default:
      return backlog(queue);
  }
};

createServer(async (request, response) => {
  response.end(JSON.stringify(await answer(request)));
}).listen(Number(process.argv[2]), "127.0.0.1");
