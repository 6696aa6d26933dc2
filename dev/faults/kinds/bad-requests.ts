/** Requests that are too large, malformed, or never complete: none of their orders may be stored, and no API may exit. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { membersOf, type Order } from "../../system/client/orders.ts";
import type { Fault, Scene } from "../faults.ts";
import {
  batchMember,
  JSON_TYPE,
  NDJSON_TYPE,
  type RawRequest,
  rawBatch,
  rawRequestOf,
  sendAndReset,
  sendRaw,
} from "../raw-requests.ts";

const MEGABYTE = 1_048_576;

type BadRequest = {
  readonly name: string;
  readonly request: (mode: string, order: Order) => RawRequest;
  /** The right replies; null where the request never ends, so that there can be none. */
  readonly statuses: readonly (number | null)[];
};

const withBody = (mode: string, order: Order, body: Buffer | string): RawRequest => ({
  ...rawRequestOf(mode, [order]),
  body: Buffer.from(body),
});

const jsonOf = (order: Order): string => JSON.stringify(membersOf(order));

const afterSpaces = (text: string, bytes: number): string => `${" ".repeat(bytes)}${text}`;

/** A JSON text with two bytes in its drink that are not UTF-8. */
const notUtf8 = (text: string): Buffer => {
  const [before = "", after = ""] = text.split('"drink":"', 2);
  return Buffer.concat([Buffer.from(`${before}"drink":"`), Buffer.from([0xc3, 0x28]), Buffer.from(after)]);
};

const nested = (depth: number): string => `${'{"drink":['.repeat(depth)}${"]}".repeat(depth)}`;

const BAD_REQUESTS: readonly BadRequest[] = [
  {
    name: "an order of a megabyte",
    request: (mode, order) => withBody(mode, order, afterSpaces(jsonOf(order), MEGABYTE)),
    statuses: [413],
  },
  {
    name: "a megabyte without content-length",
    request: (mode, order) => {
      const text = afterSpaces(jsonOf(order), MEGABYTE);
      const chunks = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
      const request = withBody(mode, order, chunks);
      return { ...request, headers: { ...request.headers, "transfer-encoding": "chunked" } };
    },
    statuses: [413],
  },
  {
    name: "a batch of three megabytes",
    request: (mode, order) => rawBatch(mode, JSON_TYPE, afterSpaces(`[${batchMember(order)}]`, 3 * MEGABYTE)),
    statuses: [413],
  },
  {
    name: "three megabytes of lines",
    request: (mode, order) =>
      rawBatch(mode, NDJSON_TYPE, `${batchMember(order)}\n${"\n".repeat(3 * MEGABYTE)}`),
    statuses: [413],
  },
  {
    name: "1 001 orders",
    request: (mode, order) => rawBatch(mode, NDJSON_TYPE, `${batchMember(order)}\n`.repeat(1_001)),
    statuses: [413],
  },
  {
    name: "a deeply nested order",
    request: (mode, order) => withBody(mode, order, nested(5_000)),
    statuses: [400, 422],
  },
  {
    name: "a deeply nested batch",
    request: (mode) => rawBatch(mode, JSON_TYPE, `${"[".repeat(500_000)}${"]".repeat(500_000)}`),
    statuses: [400, 422],
  },
  {
    name: "an order that is not UTF-8",
    request: (mode, order) => withBody(mode, order, notUtf8(jsonOf(order))),
    statuses: [400, 422],
  },
  {
    name: "lines that are not UTF-8",
    request: (mode, order) => rawBatch(mode, NDJSON_TYPE, notUtf8(batchMember(order))),
    statuses: [400, 422],
  },
  {
    name: "half of an order",
    request: (mode, order) => withBody(mode, order, jsonOf(order).slice(0, jsonOf(order).length / 2)),
    statuses: [400],
  },
  {
    name: "an order whose content-length promises more",
    request: (mode, order) => {
      const whole = rawRequestOf(mode, [order]);
      return { ...whole, claimedBytes: whole.body.length + 100 };
    },
    statuses: [null],
  },
];

const ROUNDS = 3;
const REPLY_WITHIN_MS = 10_000;
const NO_REPLY_WITHIN_MS = 2_000;
const MOST_ATTEMPTS = 10;
const RETRY_MS = 500;
const HALVES = 30;
const RESET_WITHIN_MS = 200;

/** Every order in these requests is refused in the ledger, so that the audit finds it if it is stored. */
const sendBadRequests = async ({ system, clients, ledger, random }: Scene): Promise<void> => {
  const { mode } = system;
  const pidsNow = () => system.apis.map(({ pid }) => pid());
  const pids = pidsNow();
  const wrong = new Set<string>();
  const refusedOrder = (): Order => {
    const order = clients.order();
    ledger.add(order, performance.now());
    return order;
  };
  const sendHalf = async (): Promise<void> => {
    const whole = rawRequestOf(mode, [refusedOrder()]);
    const body = whole.body.subarray(0, random.below(whole.body.length));
    const request = { ...whole, body, claimedBytes: whole.body.length };
    await sendAndReset(random.pick(system.urls), request, random.below(RESET_WITHIN_MS));
  };
  /** A 503 says nothing about the request: it is sent again. */
  const sendOne = async ({ name, request, statuses }: BadRequest): Promise<void> => {
    const withinMs = statuses.includes(null) ? NO_REPLY_WITHIN_MS : REPLY_WITHIN_MS;
    for (let attempt = 1; ; attempt++) {
      const status = await sendRaw(random.pick(system.urls), request(mode, refusedOrder()), withinMs);
      if (statuses.includes(status)) return;
      if (status !== 503 || attempt === MOST_ATTEMPTS)
        return void wrong.add(`${name} was answered ${status}`);
      await sleep(RETRY_MS);
    }
  };
  for (let round = 0; round < ROUNDS; round++)
    await Promise.all([...BAD_REQUESTS.map(sendOne), ...Array.from({ length: HALVES }, sendHalf)]);
  if (wrong.size > 0) throw new Error([...wrong].join("; "));
  if (!isDeepStrictEqual(pidsNow(), pids)) throw new Error("an API exited because of a bad request");
};

export const badRequests: Fault = {
  name: "huge-bodies",
  strike: sendBadRequests,
  recoverWithinSeconds: 20,
};
