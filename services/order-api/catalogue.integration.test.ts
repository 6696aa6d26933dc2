import { v7 as newOrderId } from "uuid";
import { afterAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { getJson, LATTE, postJson, postOrder, statusOf } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";

const [COMPOSED, DECOMPOSED] = ["Caf\u00e9 Nord", "Cafe\u0301 Nord"];
const system = await startSystem({ modes: ["v1", "v2"] });
/** Learns of names by requests for them alone. */
const other = await startSystem({
  modes: ["v2"],
  on: system,
  workers: false,
  env: { POLL_EVERY_MS: "60000" },
});
afterAll(async () => {
  await other.close();
  await system.close();
});

type Names = { readonly stores: string[]; readonly drinks: string[] };
const namesAt = (url: string): Promise<Names> => getJson(`${url}/api/catalogue`);
const extend = (names: object): Promise<Response> => postJson(`${system.url}/api/catalogue`, names);

test("accepts orders for added names at once, in every API, and after a restart", async () => {
  expect((await postOrder(system.url, "v2", { ...LATTE, store: "northgate" })).status).toBe(422);
  const reply = await extend({ stores: ["northgate", "uptown", "northgate"], drinks: ["oat flat white"] });
  expect(reply.status).toBe(200);
  expect(await reply.json()).toEqual({ added: { stores: ["northgate"], drinks: ["oat flat white"] } });
  const order = { ...LATTE, store: "northgate", drink: "oat flat white" };
  for (const mode of ["v1", "v2"]) {
    const accepted = await postOrder(system.url, mode, order);
    expect(accepted.ok).toBe(true);
    const { id } = (await accepted.json()) as { id: string };
    await until(`${mode} counts it`, async () => (await statusOf(system.url, id)).status === "counted");
  }
  expect((await postOrder(other.url, "v2", order)).status).toBe(202);
  const restarted = await startSystem({ modes: ["v2"], on: system, workers: false });
  expect((await postOrder(restarted.url, "v2", order)).status).toBe(202);
  await restarted.close();
  expect((await namesAt(system.url)).stores).toContain("northgate");
  const setup = await getJson<{ stores: { count: number } }>(`${system.url}/api/setup`);
  expect(setup.stores.count).toBe((await namesAt(system.url)).stores.length);
});

test("compares names in Unicode's composed form", async () => {
  expect((await extend({ stores: [DECOMPOSED] })).status).toBe(200);
  expect(await (await extend({ stores: [COMPOSED] })).json()).toEqual({ added: { stores: [], drinks: [] } });
  for (const store of [COMPOSED, DECOMPOSED]) {
    const reply = (await (await postOrder(system.url, "v1", { ...LATTE, store })).json()) as {
      store: string;
    };
    expect(reply.store).toBe(COMPOSED);
    const query = new URLSearchParams({ store, by: "none" });
    await until("the history has it", async () => {
      const { rows } = await getJson<{ rows: { orders: number }[] }>(`${system.url}/api/sales?${query}`);
      return (rows[0]?.orders ?? 0) > 0;
    });
  }
});

test("treats one order in two Unicode forms under one key as the same order", async () => {
  await extend({ stores: [COMPOSED] });
  const key = { "idempotency-key": newOrderId() };
  const first = await postOrder(system.url, "v1", { ...LATTE, store: COMPOSED }, key);
  const second = await postOrder(system.url, "v1", { ...LATTE, store: DECOMPOSED }, key);
  expect([first.status, second.status]).toEqual([201, 200]);
});

test("a batch for added names is accepted whole by an API that has not read them yet", async () => {
  await extend({ stores: ["westgate"] });
  const batch = await postJson(`${other.url}/api/v2/orders`, [LATTE, { ...LATTE, store: "westgate" }]);
  expect(await batch.json()).toMatchObject({ rejected: [], ids: [expect.any(String), expect.any(String)] });
});

test("counts concurrent additions against one limit, and says so for the kind that is full", async () => {
  const many = (of: number) => Array.from({ length: 300 }, (_, index) => `drink ${of}.${index}`);
  const replies = await Promise.all([1, 2, 3, 4, 5].map((of) => extend({ drinks: many(of) })));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 422, 422]);
  expect((await namesAt(system.url)).drinks.length).toBeLessThanOrEqual(1_000);
  expect((await extend({ stores: ["eastgate"] })).status).toBe(200);
  await system.pool.query("UPDATE catalogue_additions SET drinks = '{}', stamp = gen_random_uuid()");
});

test("adds again what a restored database has lost, and forgets what it lost", async () => {
  const { rows } = await system.pool.query<Names & { stamp: string }>("SELECT * FROM catalogue_additions");
  const [before] = rows;
  await extend({ stores: ["lost"] });
  const restore = "UPDATE catalogue_additions SET stamp = $1, stores = $2, drinks = $3";
  await system.pool.query(restore, [before?.stamp, before?.stores, before?.drinks]);
  expect((await extend({ stores: ["lost"] })).status).toBe(200);
  expect((await postOrder(other.url, "v2", { ...LATTE, store: "lost" })).status).toBe(202);
  await system.pool.query(restore, [before?.stamp, before?.stores, before?.drinks]);
  await until("the API forgets it", async () => !(await namesAt(system.url)).stores.includes("lost"));
});

test("sends the names once to a client that has them", async () => {
  const first = await fetch(`${system.url}/api/catalogue`);
  const headers = { "if-none-match": first.headers.get("etag") ?? "" };
  expect((await fetch(`${system.url}/api/catalogue`, { headers })).status).toBe(304);
  await extend({ stores: [`store of ${Date.now()}`] });
  expect((await fetch(`${system.url}/api/catalogue`, { headers })).status).toBe(200);
});

test.each([
  [{ stores: [""] }, "stores.0"],
  [{ stores: [" "] }, "stores.0"],
  [{ stores: ["north "] }, "stores.0"],
  [{ stores: ["north\tgate"] }, "stores.0"],
  [{ stores: ["\u202egate"] }, "stores.0"],
  [{ drinks: ["x".repeat(101)] }, "drinks.0"],
  [{ stores: ["a\u0000b"] }, "stores.0"],
  [{ stores: "northgate" }, "stores"],
  [{ shops: ["northgate"] }, "shops"],
  [{ drinks: Array.from({ length: 1_000 }, (_, index) => `drink ${index}`) }, "drinks"],
])("returns 422 for %j and names the field", async (names, field) => {
  const reply = await extend(names);
  expect(reply.status).toBe(422);
  const { errors } = (await reply.json()) as { errors: { field: string }[] };
  expect(errors.map((error) => error.field)).toContain(field);
});

test("without PostgreSQL accepts the names of the file, and answers 503 for a name that may have been added", async () => {
  const env = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" };
  const alone = await startSystem({ modes: ["v2"], on: system, workers: false, env });
  expect((await postOrder(alone.url, "v2", LATTE)).status).toBe(202);
  const single = await postOrder(alone.url, "v2", { ...LATTE, store: "northgate" });
  const batch = await postJson(`${alone.url}/api/v2/orders`, [LATTE, { ...LATTE, store: "northgate" }]);
  for (const reply of [single, batch]) {
    expect(reply.status).toBe(503);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await reply.json()).toMatchObject({
      type: "backend-away",
      detail: expect.stringContaining("not taken"),
    });
  }
  const wrong = { ...LATTE, store: "northgate", timestamp: "2300-01-01T00:00:00Z" };
  expect((await postOrder(alone.url, "v2", wrong)).status).toBe(422);
  const mixed = await postJson(`${alone.url}/api/v2/orders`, [LATTE, wrong, { ...LATTE, store: 5 }]);
  expect(mixed.status).toBe(202);
  expect((await postJson(`${alone.url}/api/catalogue`, { stores: ["southgate"] })).status).toBe(503);
  await alone.close();
});
