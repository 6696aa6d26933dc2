/** Backends that are unreachable, and workers that lag: what clients are answered, what /readyz reports, and the recovery. */
import { v7 as newOrderId } from "uuid";
import { describe, expect, onTestFinished, test } from "vitest";
import { openOrderSocket } from "#shared/client/orders.ts";
import { someOrders, until } from "../../test/fresh.ts";
import { promisedWithin } from "../../test/promised.ts";
import { dashboardOf, LATTE, postJson, postOrder, type Ready, readinessOf } from "../../test/requests.ts";
import { type System, type SystemOptions, startSystem } from "../../test/system.ts";

let system: System;
const start = async (options: SystemOptions): Promise<void> => {
  system = await startSystem(options);
  onTestFinished(system.close);
};
const post = (mode: string): Promise<Response> => postOrder(system.url, mode);
const ready = (mode: string): Promise<Ready> => readinessOf(system.url, mode);

describe("an unreachable server", () => {
  test("makes its mode answer 503 within 2 s, with the id to retry, and no other mode", async () => {
    await start({ modes: ["v1", "v2"] });
    const socket = await openOrderSocket({ url: system.url, mode: "v2" });
    await system.stream.kill();
    try {
      const order = { id: newOrderId(), ...LATTE };
      expect(await promisedWithin(2_000, "a result without the stream's Redis", socket.send(order))).toEqual({
        id: order.id,
        problem: expect.objectContaining({
          type: expect.stringMatching(/^(backend-away|outcome-unknown)$/),
          detail: expect.stringContaining("can be sent again with this id"),
        }),
        retry_after_seconds: expect.any(Number),
      });
      const response = await promisedWithin(2_000, "503 without the stream's Redis", post("v2"));
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(await response.json()).toMatchObject({
        type: expect.stringMatching(/^(backend-away|outcome-unknown)$/),
        ids: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
      });
      expect((await post("v1")).status).toBe(201);
      await until("readiness names it", async () => (await ready("v2")).health === "unavailable");
      expect((await ready("v1")).code).toBe(200);
    } finally {
      await system.stream.start();
    }
    await until("v2 accepts orders again", async () => (await post("v2")).status === 202);
    expect(await socket.send({ id: newOrderId(), ...LATTE })).toMatchObject({ status: "queued" });
    socket.close();
  });

  test("of the board leaves the last board, and the board recovers when Redis comes back empty", async () => {
    await start({ modes: ["v2"] });
    const orders = async () => (await dashboardOf(system.url)).current_hour?.order_count;
    await post("v2");
    await until("it is on the board", async () => (await orders()) === 1);
    await system.board.kill();
    expect((await post("v2")).status).toBe(202);
    expect(await orders()).toBe(1);
    await system.board.start();
    await until("the board is back with both", async () => (await orders()) === 2);
  });
});

test("a batch for an unreachable backend is answered with its ids, and the errors of its invalid orders", async () => {
  await start({ modes: ["v2"], workers: false });
  const orders = someOrders(3).map(({ id }) => ({ ...LATTE, id }));
  const send = (body: readonly object[]): Promise<Response> => postJson(`${system.url}/api/v2/orders`, body);
  const unknown = { ...LATTE, drink: "soup" };
  await until("the names of the catalogue are read", async () => (await send([unknown])).status === 422);
  await system.stream.kill();
  const response = await send([...orders, unknown]);
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({
    ids: orders.map(({ id }) => id),
    rejected: [{ index: 3, field: "drink", reason: "must be a drink of the catalogue" }],
  });
  await system.stream.start();
  await until("the same orders are accepted", async () => (await send(orders)).status === 202);
});

test("beyond MAX_LAG_ORDERS orders are rejected until the workers have caught up", async () => {
  await start({ modes: ["v2"], workers: false, env: { MAX_LAG_ORDERS: "20" } });
  await until("the bound is reached", async () => (await post("v2")).status === 503);
  const response = await post("v2");
  expect(response.headers.get("retry-after")).not.toBeNull();
  expect(await response.json()).toMatchObject({ type: "lag" });
  const socket = await openOrderSocket({ url: system.url, mode: "v2" });
  expect(await socket.send({ id: newOrderId(), ...LATTE })).toMatchObject({
    problem: { type: "lag", detail: expect.stringContaining("not taken") },
    retry_after_seconds: expect.any(Number),
  });
  socket.close();
  expect((await dashboardOf(system.url)).modes["v2"]?.health).toBe("lagging");
});
