/** What the modes are compared with does the work that it claims: otherwise a ratio says nothing. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Point } from "../experiments/experiment.ts";
import { planned } from "../experiments/layout.ts";
import { sameOrders } from "../generators/catalogue.ts";
import { pinningHere } from "../run/environment.ts";
import { PEERS, toolOf } from "../run/peers.ts";
import type { Lab, Order } from "../run/run.ts";
import { openTestBed, type SystemUnderTest, type TestBed } from "../run/test-bed.ts";
import { measureRate } from "./measures.ts";
import { auditPeer } from "./peer-audit.ts";

let testBed: TestBed;
let lab: Lab;
beforeAll(async () => {
  const pinning = await pinningHere(false);
  const { signal } = new AbortController();
  // a broker of the lab's own would be warmed up for two minutes
  const environment = { KAFKA_BROKERS: inject("kafkaBrokers") };
  testBed = openTestBed({ pinning, environment, log: () => undefined, signal });
  lab = { testBed, k6: null, pinning, signal };
});
afterAll(() => testBed.close());

const pointOf = (arrangement: string): Point => ({
  ...{ arrangement, name: "", varied: {}, measure: "closed-loop" },
  load: { warmUpSeconds: 1, seconds: 1 },
});
const orderOf = (arrangement: string): Order => planned(pointOf(arrangement), "smoke", 1, () => null).order;

const withSystem = async <T>(
  arrangement: string,
  work: (system: SystemUnderTest, post: (body: string) => Promise<Response>) => Promise<T>,
): Promise<T> => {
  const { setting } = orderOf(arrangement);
  const system = await testBed.open(setting);
  try {
    await system.start();
    const url = `${system.url}/api/${setting.arrangement.route}/order`;
    const headers = { "content-type": "application/json" };
    return await work(system, (body) => fetch(url, { method: "POST", headers, body }));
  } finally {
    await system.close();
  }
};

type Reply = { readonly status: number; readonly type: string | null; readonly text: string };
const replyOf = (arrangement: string): Promise<Reply> =>
  withSystem(arrangement, async ({ catalogue }, post) => {
    const reply = await post(sameOrders(catalogue, 1));
    return { status: reply.status, type: reply.headers.get("content-type"), text: await reply.text() };
  });
/** What a client may rely on in every reply: the members and the kinds of their values. */
const shapeOf = (text: string): unknown =>
  Object.fromEntries(Object.entries(JSON.parse(text) as object).map(([name, value]) => [name, typeof value]));

test.each(["node-http", "fastify"])(
  "%s replies as many bytes as the null baseline, of the same shape",
  async (bare) => {
    const [expected, reply] = [await replyOf("null"), await replyOf(bare)];
    expect({ ...reply, text: reply.text.length }).toEqual({ ...expected, text: expected.text.length });
    expect(shapeOf(reply.text)).toEqual(shapeOf(expected.text));
  },
);

const ofEach = await Promise.all(PEERS.map(async (peer) => ({ peer, tool: await toolOf(peer) })));

describe.each(ofEach)("$peer.name", ({ peer, tool }) => {
  const missing = tool === null ? `: ${peer.tool.name} is missing` : "";
  describe.skipIf(tool === null)(`built${missing}`, () => {
    test("stores every order of a closed loop that it acknowledges", async () => {
      const place = { experiment: "E14", point: "", repetition: 1, attempt: 1, commit: "", varied: {} };
      const run = await measureRate("closed-loop", lab, orderOf(peer.name), { ...place, scale: "smoke" });
      expect(run.audit.problems).toEqual([]);
      expect(run.ledger.acknowledged).toBeGreaterThan(0);
      expect(run.audit.stored).toBeGreaterThanOrEqual(run.ledger.acknowledged);
      expect(run.durability).toBe(peer.durability);
      expect(run.resources["order-api"]?.cpuSeconds).toBeGreaterThan(0);
    });

    test("replies 201 with the order's members once it is stored, and rejects what is no order", async () => {
      const expected = shapeOf((await replyOf("null")).text);
      await withSystem(peer.name, async (system, post) => {
        const reply = await post(sameOrders(system.catalogue, 1));
        expect([reply.status, shapeOf(await reply.text())]).toEqual([201, expected]);
        expect(await auditPeer(peer, system, 1, 0)).toMatchObject({ stored: 1, problems: [] });
        for (const wrong of WRONG) expect((await post(wrong)).status, wrong).toBeOneOf([400, 422]);
        expect(await auditPeer(peer, system, 1, 0)).toMatchObject({ stored: 1, problems: [] });
      });
    });
  });
});

const order = { drink: "latte", store: "uptown", price: 4.5 };
const WRONG = [
  ...[
    { price: 4.555 },
    { price: 0 },
    { price: 10_000.01 },
    { price: "x" },
    { store: "" },
    { size: "large" },
  ].map((wrong) => JSON.stringify({ ...order, ...wrong })),
  JSON.stringify({ drink: "latte", price: 4.5 }),
  '{"drink"',
];
