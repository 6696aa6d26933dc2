/**
 * A closed loop over /ws/orders: each connection keeps so many orders without a result, and sends one for each result that it
 * reads. Its frames are copies of one in which only the id changes, masked by zeros: a full client would take as much CPU
 * as the server that is measured. Prints one line of JSON.
 */
import { randomUUIDv7 } from "node:crypto";
import { connect, type Socket } from "node:net";
import { ORDERS_PROTOCOL, type OrderResult } from "#shared/wire/order-socket.ts";
import { percentilesOf } from "../judge/statistics.ts";
import { acceptedIn, frameHeadOf, OPCODE, PONG, upgradeRequest } from "../listeners/frames.ts";
import type { SocketLoad, SocketLoopResult } from "./socket-loop.ts";

const load = JSON.parse(process.argv[2] ?? "") as SocketLoad;

/** Results come within 2 s, which the API promises; the rest is for a busy machine. */
const LAST_RESULT_MS = 10_000;
/** Every so many orders one is timed. */
const TIMED_EVERY = 16;
const ID_LENGTH = 36;

const template = frameOf(`{"id":"${"0".repeat(ID_LENGTH)}",${load.body.slice(1)}`);
const idAt = template.indexOf('{"id":"') + '{"id":"'.length;

function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  // RFC 6455, 5.2: final text frame, 16-bit length, masked, a mask of zeros
  const header = Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}

const sentAt = new Map<string, number>();
const latenciesMs: number[] = [];
const counts = { sent: 0, accepted: 0, refused: 0, late: 0 };
let firstProblem: string | null = null;
let isOver = false;

const sendOrders = (socket: Socket, orders: number): void => {
  const frames = Buffer.allocUnsafe(orders * template.length);
  for (let index = 0; index < orders; index++) {
    const start = index * template.length;
    template.copy(frames, start);
    const id = randomUUIDv7();
    frames.write(id, start + idAt, "latin1");
    if (counts.sent++ % TIMED_EVERY === 0) sentAt.set(id, performance.now());
  }
  socket.write(frames);
};

const take = (results: readonly OrderResult[]): void => {
  for (const result of results) {
    if ("problem" in result) {
      counts.refused++;
      firstProblem ??= result.problem.detail ?? result.problem.type;
      continue;
    }
    if (isOver) counts.late++;
    else counts.accepted++;
    const at = sentAt.get(result.id);
    if (at === undefined) continue;
    sentAt.delete(result.id);
    latenciesMs.push(performance.now() - at);
  }
};

/** Resolves when the server has accepted, with what resolves once every order has its result. */
const open = (): Promise<{ readonly start: () => void; readonly done: Promise<void> }> =>
  new Promise((resolve, reject) => {
    const { hostname, port, pathname } = new URL(load.url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const done = Promise.withResolvers<void>();
    let isOpen = false;
    let bytes = Buffer.alloc(0);
    let unanswered = 0;
    const send = (orders: number): void => {
      unanswered += orders;
      sendOrders(socket, orders);
    };
    const takeFrames = (): void => {
      for (;;) {
        const head = frameHeadOf(bytes);
        const end = head === null ? Number.POSITIVE_INFINITY : head.header + head.payload;
        if (head === null || bytes.length < end) return;
        const text = bytes.toString("utf8", head.header, end);
        bytes = bytes.subarray(end);
        if (head.opcode === OPCODE.ping) socket.write(PONG);
        if (head.opcode !== OPCODE.text) continue;
        const results = JSON.parse(text) as OrderResult[];
        take(results);
        unanswered -= results.length;
        if (!isOver) send(results.length);
        else if (unanswered === 0) done.resolve();
      }
    };
    socket.on("data", (read) => {
      bytes = bytes.length === 0 ? read : Buffer.concat([bytes, read]);
      if (!isOpen) {
        const end = acceptedIn(bytes);
        if (end === null) return;
        bytes = bytes.subarray(end);
        isOpen = true;
        resolve({ start: () => send(load.inFlight), done: done.promise });
      }
      takeFrames();
    });
    socket.on("error", reject);
    socket.on("close", () => done.reject(new Error("the server closed a connection")));
    socket.write(upgradeRequest(`${hostname}:${port}`, pathname, ORDERS_PROTOCOL));
  });

const connections = await Promise.all(Array.from({ length: load.connections }, open));
const startedAt = performance.now();
for (const { start } of connections) start();
setTimeout(() => {
  isOver = true;
  const seconds = (performance.now() - startedAt) / 1_000;
  const timeout = setTimeout(() => {
    throw new Error(`orders got no result within ${LAST_RESULT_MS} ms`);
  }, LAST_RESULT_MS);
  void Promise.all(connections.map(({ done }) => done)).then(() => {
    clearTimeout(timeout);
    const { p50, p90, p95, p99, p999, max } = percentilesOf(latenciesMs);
    const result: SocketLoopResult = {
      requests: counts.accepted + counts.late,
      perSecond: counts.accepted / seconds,
      latencyMs: { p50, p90, p95, p99, p999, max },
      refused: counts.refused,
      firstProblem,
    };
    process.stdout.write(JSON.stringify(result), () => process.exit());
  });
}, load.seconds * 1_000);
