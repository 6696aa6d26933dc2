/** Requests that are too large, broken, or never whole: nothing of them may be stored, and the API stays up. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Order } from "../clients.ts";
import { exchange, type RawRequest, sendAndReset } from "../exchange.ts";
import type { Fault, Scene } from "../fault.ts";
import { batchMember, batchOf, JSON_TYPE, membersOf, NDJSON_TYPE, singleOf } from "../order-requests.ts";

const MEGABYTE = 1_048_576;

type Refused = {
  readonly name: string;
  readonly request: (mode: string, order: Order) => RawRequest;
  /** What may be answered; null where the request never ends, so that nobody can answer it. */
  readonly statuses: readonly (number | null)[];
};

const withBody = (mode: string, order: Order, body: Buffer | string): RawRequest => ({
  ...singleOf(mode, order),
  body: Buffer.from(body),
});

/** A good order with so much in front of it that is no matter. */
const padded = (text: string, bytes: number): string => `${" ".repeat(bytes)}${text}`;

/** A JSON text with two bytes in its drink that are no UTF-8. */
const broken = (text: string): Buffer => {
  const [before = "", after = ""] = text.split('"drink":"', 2);
  return Buffer.concat([Buffer.from(`${before}"drink":"`), Buffer.from([0xc3, 0x28]), Buffer.from(after)]);
};

const nested = (depth: number): string => `${'{"drink":['.repeat(depth)}${"]}".repeat(depth)}`;

const REFUSED: readonly Refused[] = [
  {
    name: "an order of a megabyte",
    request: (mode, order) => withBody(mode, order, padded(JSON.stringify(membersOf(order.body)), MEGABYTE)),
    statuses: [413],
  },
  {
    name: "a megabyte that does not say its length",
    request: (mode, order) => {
      const text = padded(JSON.stringify(membersOf(order.body)), MEGABYTE);
      const body = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
      const { path, headers } = singleOf(mode, order);
      return { path, headers: { ...headers, "transfer-encoding": "chunked" }, body: Buffer.from(body) };
    },
    statuses: [413],
  },
  {
    name: "a batch of three megabytes",
    request: (mode, order) => batchOf(mode, JSON_TYPE, padded(`[${batchMember(order)}]`, 3 * MEGABYTE)),
    statuses: [413],
  },
  {
    name: "three megabytes of lines",
    request: (mode, order) =>
      batchOf(mode, NDJSON_TYPE, `${batchMember(order)}\n${"\n".repeat(3 * MEGABYTE)}`),
    statuses: [413],
  },
  {
    name: "a thousand and one orders",
    request: (mode, order) => batchOf(mode, NDJSON_TYPE, `${batchMember(order)}\n`.repeat(1_001)),
    statuses: [413],
  },
  {
    name: "an order nested deeply",
    request: (mode, order) => withBody(mode, order, nested(5_000)),
    statuses: [400, 422],
  },
  {
    name: "a batch nested deeply",
    request: (mode) => batchOf(mode, JSON_TYPE, `${"[".repeat(500_000)}${"]".repeat(500_000)}`),
    statuses: [400, 422],
  },
  {
    name: "an order that is not UTF-8",
    request: (mode, order) => withBody(mode, order, broken(JSON.stringify(membersOf(order.body)))),
    statuses: [400, 422],
  },
  {
    name: "lines that are not UTF-8",
    request: (mode, order) => batchOf(mode, NDJSON_TYPE, broken(batchMember(order))),
    statuses: [400, 422],
  },
  {
    name: "an order that stops half-way",
    request: (mode, order) => {
      const whole = singleOf(mode, order);
      return { ...whole, body: whole.body.subarray(0, whole.body.length / 2) };
    },
    statuses: [400],
  },
  {
    name: "an order that waits for its other half",
    request: (mode, order) => {
      const whole = singleOf(mode, order);
      return { ...whole, saidBytes: whole.body.length + 100 };
    },
    statuses: [null],
  },
];

const ROUNDS = 3;
const HANG_MS = 2_000;
const MOST_ATTEMPTS = 10;
const AGAIN_MS = 500;
const CUT_HALVES = 30;
const CUT_WITHIN_MS = 200;

/** Whatever of it names an order names one that must never be stored. */
const sendHuge = async ({ ground, clients, ledger, random }: Scene): Promise<void> => {
  const { mode } = ground;
  const pids = ground.apis.map(({ pid }) => pid());
  const wrong: string[] = [];
  const refusedOrder = (): Order => {
    const order = clients.order();
    ledger.add(order.id, order.body, performance.now());
    return order;
  };
  const cutHalf = async (): Promise<void> => {
    const whole = singleOf(mode, refusedOrder());
    const half = whole.body.subarray(0, random.below(whole.body.length));
    const request = { ...whole, body: half, saidBytes: whole.body.length };
    await sendAndReset(random.pick(ground.urls), request, random.below(CUT_WITHIN_MS));
  };
  /** A refusal by load says nothing about this request: it is sent again. */
  const sendOne = async ({ name, request, statuses }: Refused): Promise<void> => {
    const withinMs = statuses.includes(null) ? HANG_MS : undefined;
    for (let attempt = 1; ; attempt++) {
      const whole = request(mode, refusedOrder());
      const { status } = await exchange(random.pick(ground.urls), whole, withinMs);
      if (statuses.includes(status)) return;
      if (status !== 503 || attempt === MOST_ATTEMPTS)
        return void wrong.push(`${name} was answered ${status}`);
      await sleep(AGAIN_MS);
    }
  };
  for (let round = 0; round < ROUNDS; round++)
    await Promise.all([...REFUSED.map(sendOne), ...Array.from({ length: CUT_HALVES }, cutHalf)]);
  if (wrong.length > 0) throw new Error([...new Set(wrong)].join("; "));
  if (ground.apis.some(({ pid }, index) => pid() !== pids[index])) throw new Error("an API ended of it");
};

export const hugeBodies: Fault = { name: "huge-bodies", strike: sendHuge, recoverWithinSeconds: 20 };
