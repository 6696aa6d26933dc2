/** What the API answers while servers are away; they are this file's own. */
import { afterEach, expect, test } from "vitest";
import { adoptRestored } from "#shared/modes/direct/count-stored.ts";
import { until } from "../../test/fresh.ts";
import { type System, type SystemOptions, startSystem } from "../../test/system.ts";

let system: System;
afterEach(() => system.close());

const start = async (options: SystemOptions): Promise<void> => {
  system = await startSystem(options);
};
const post = (mode: string): Promise<Response> =>
  fetch(`${system.url}/api/${mode}/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
  });
const readiness = async () => {
  const response = await fetch(`${system.url}/readyz`);
  return {
    code: response.status,
    body: (await response.json()) as { modes: Record<string, { health: string }>; servers: object },
  };
};

test("a mode without its backend answers 503 within 2 s, with the id to retry; the others go on", async () => {
  await start({ modes: ["v1", "v2"] });
  await system.stream.kill();
  try {
    const started = Date.now();
    const response = await post("v2");
    expect(Date.now() - started).toBeLessThan(2_000);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({
      type: expect.stringMatching(/^(backend-away|outcome-unknown)$/),
      ids: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
    });
    expect((await post("v1")).status).toBe(201);
    await until(
      "readiness names it",
      async () => (await readiness()).body.modes["v2"]?.health === "unavailable",
    );
    expect((await readiness()).code).toBe(200);
  } finally {
    await system.stream.start();
  }
  await until("v2 takes orders again", async () => (await post("v2")).status === 202);
});

test("when no mode can accept the API is not ready, and alive", async () => {
  await start({ modes: ["v2"] });
  await system.stream.kill();
  try {
    await until("it is not ready", async () => (await readiness()).code === 503);
    expect((await fetch(`${system.url}/livez`)).status).toBe(200);
  } finally {
    await system.stream.start();
  }
  await until("it is ready again", async () => (await readiness()).code === 200);
});

test("beyond the lag bound orders are refused until the workers have caught up", async () => {
  await start({ modes: ["v2"], workers: false, env: { MAX_LAG_ORDERS: "20" } });
  await until("the bound is reached", async () => (await post("v2")).status === 503);
  const response = await post("v2");
  expect(response.headers.get("retry-after")).not.toBeNull();
  expect(await response.json()).toMatchObject({ type: "lag" });
  const dashboard = (await (await fetch(`${system.url}/api/dashboard`)).json()) as {
    modes: Record<string, { health: string }>;
  };
  expect(dashboard.modes["v2"]?.health).toBe("lagging");
});

test("without the board's Redis the last board is served, and it heals when Redis comes back empty", async () => {
  await start({ modes: ["v2"] });
  const dashboard = async () =>
    (await (await fetch(`${system.url}/api/dashboard`)).json()) as {
      current_hour: { order_count: number } | null;
      stale: boolean;
    };
  await post("v2");
  await until("it is on the board", async () => (await dashboard()).current_hour?.order_count === 1);
  await system.board.kill();
  expect((await post("v2")).status).toBe(202);
  expect((await dashboard()).current_hour?.order_count).toBe(1);
  await system.board.start();
  await until("the board is back with both", async () => (await dashboard()).current_hour?.order_count === 2);
});

test("v1 takes nothing on a restored database until a worker has adopted it", async () => {
  await start({ modes: ["v1"], workers: false });
  await system.pool.query("UPDATE meta SET system_identifier = 1");
  // each new connection is looked at; those of before belong to the old cluster
  await system.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'coffee-v1-intake' AND datname = current_database()`,
  );
  await until("v1 refuses", async () => (await post("v1")).status === 503);
  expect((await post("v1")).status).toBe(503);
  expect(await adoptRestored(system.pool, { source: "v1", part: 0 })).not.toBeNull();
  await until("v1 takes orders again", async () => (await post("v1")).status === 201);
});
