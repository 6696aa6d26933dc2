import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { v7 as newOrderId } from "uuid";
import { afterAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openOrderSocket } from "#shared/client/orders.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import { until } from "../../test/fresh.ts";
import { LATTE } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";
import { folderForFile } from "../../test/temporary.ts";

const token = (name: string): string => `${name}-0123456789abcdef`;
const LIST = [
  { name: "till", token: token("till"), may: ["write"], modes: ["v2"] },
  { name: "wall", token: token("wall"), may: ["read"] },
  { name: "operator", token: token("operator"), may: ["operate"] },
  { name: "brief", token: token("brief"), may: ["write"], requestsPerMinute: 3 },
  { name: "slow", token: token("slow"), may: ["write", "read"], requestsPerMinute: 3 },
];
const folder = folderForFile();
const tokensFile = join(folder, "tokens.json");
await writeFile(tokensFile, JSON.stringify(LIST));
const system = await startSystem({
  modes: ["v1", "v2"],
  env: { ACCESS: "tokens", TOKENS_FILE: tokensFile, PROTECT_METRICS: "true" },
});
afterAll(system.close);

type Asked = { readonly as?: string; readonly body?: unknown; readonly headers?: Record<string, string> };
const ask = (path: string, { as, body, headers }: Asked = {}): Promise<Response> =>
  fetch(system.url + path, {
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(as !== undefined && { authorization: `Bearer ${token(as)}` }),
      ...headers,
    },
  });
const ORDER = { body: LATTE };

describe("a route that needs a token", () => {
  const READ = ["/api/dashboard", "/api/sales", "/api/setup", "/ws/dashboard", "/ws/orders/v2"];
  const STATUS = "/api/orders/01900000-0000-7000-8000-000000000000";
  const WRITE = ["/api/v1/order", "/api/v2/orders"];

  test.each([
    ...READ.map((path) => [path, {}] as const),
    ...WRITE.map((path) => [path, ORDER] as const),
    [STATUS, {}] as const,
    ["/metrics", {}] as const,
  ])("%s answers 401 without one, and with one that is not valid", async (path, request) => {
    const missing = await ask(path, request);
    expect(missing.status).toBe(401);
    expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="coffee-rt"');
    expect(await missing.json()).toMatchObject({ type: "unauthorized", status: 401 });
    for (const authorization of ["Bearer", "Bearer nonsense", "Basic dTpw", `Bearer ${token("till")}x`]) {
      const unknown = await ask(path, { ...request, headers: { authorization } });
      expect(unknown.status).toBe(401);
      expect(unknown.headers.get("www-authenticate")).toContain('error="invalid_token"');
    }
  });

  test("answers HEAD like GET", async () => {
    const head = (headers: Record<string, string>) =>
      fetch(`${system.url}/api/dashboard`, { method: "HEAD", headers }).then(({ status }) => status);
    expect(await head({})).toBe(401);
    expect(await head({ authorization: `bearer ${token("wall")}` })).toBe(200);
  });

  test("answers 403 to a token without the right, and to one of another mode", async () => {
    for (const [path, request] of [
      ["/api/v2/order", { ...ORDER, as: "wall" }],
      ["/api/v1/order", { ...ORDER, as: "till" }],
      ["/api/dashboard", { as: "till" }],
      ["/metrics", { as: "wall" }],
    ] as const) {
      const response = await ask(path, request);
      expect(response.status).toBe(403);
      expect(response.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
      const { type, detail } = (await response.json()) as { type: string; detail: string };
      expect({ type, detail }).toEqual({
        type: "forbidden",
        detail: expect.stringContaining(`the token "${request.as}" may not`),
      });
    }
  });

  test("accepts a token that has the right", async () => {
    const accepted = await ask("/api/v2/order", { ...ORDER, as: "till" });
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as { id: string };
    for (const as of ["till", "wall"])
      await until(
        `${as} sees the order`,
        async () => (await ask(`/api/orders/${id}`, { as })).status === 200,
      );
    for (const path of ["/api/dashboard", "/api/sales", "/api/setup"])
      expect((await ask(path, { as: "wall" })).status).toBe(200);
    const metrics = await (await ask("/metrics", { as: "operator" })).text();
    for (const reason of ["missing", "unknown", "forbidden"])
      expect(metrics).toMatch(new RegExp(`^coffee_access_denied_total\\{reason="${reason}"\\} [1-9]`, "m"));
  });
});

test.each(["/livez", "/readyz", "/openapi.json", "/asyncapi.json", "/docs/"])("%s is open", async (path) => {
  expect((await ask(path)).status).toBe(200);
});

test("publishes that tokens are required", async () => {
  const document = (await (await ask("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { security?: object[]; responses: object }>>;
    components: { securitySchemes: object };
  };
  const secured = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).flatMap(({ security, responses }) => {
      if (security === undefined) return [];
      expect(security).toEqual([{ token: [] }]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["401", "403", "429"]));
      return [path];
    }),
  );
  expect(Object.keys(document.paths).filter((path) => !secured.includes(path))).toEqual([
    "/livez",
    "/readyz",
  ]);
  expect(document.components.securitySchemes).toHaveProperty("token");
});

const open = async (protocols: string[], authorization?: string): Promise<WebSocket | number> => {
  const url = `${system.url.replace("http", "ws")}/ws/dashboard`;
  const socket = new WebSocket(url, protocols, authorization ? { headers: { authorization } } : {});
  return new Promise((resolve) => {
    socket.once("open", () => resolve(socket));
    socket.once("unexpected-response", (_request, { statusCode }) => resolve(statusCode ?? 0));
  });
};

describe("a WebSocket", () => {
  test("takes the token from the header or from a subprotocol, which is not chosen", async () => {
    for (const [protocols, authorization] of [
      [[LIVE_PROTOCOL, `bearer.${token("wall")}`]],
      [[`bearer.${token("wall")}`, LIVE_PROTOCOL]],
      [[LIVE_PROTOCOL], `Bearer ${token("wall")}`],
    ] as const) {
      const socket = await open([...protocols], authorization);
      if (typeof socket === "number") throw new Error(`answered ${socket}`);
      expect(socket.protocol).toBe(LIVE_PROTOCOL);
      socket.close();
      await once(socket, "close");
    }
  });

  test("is refused before the upgrade", async () => {
    expect(await open([LIVE_PROTOCOL])).toBe(401);
    expect(await open([LIVE_PROTOCOL, "bearer.nonsense"])).toBe(401);
    expect(await open([LIVE_PROTOCOL, `bearer.${token("till")}`])).toBe(403);
  });
});

test("limits the requests of a token by the minute, and of no other", async () => {
  const remaining: (string | null)[] = [];
  for (let request = 0; request < 3; request++) {
    const response = await ask("/api/v2/order", { ...ORDER, as: "slow" });
    expect(response.status).toBe(202);
    expect(response.headers.get("ratelimit-limit")).toBe("3");
    remaining.push(response.headers.get("ratelimit-remaining"));
  }
  expect(remaining).toEqual(["2", "1", "0"]);
  expect((await ask("/api/v2/order", { ...ORDER, as: "slow" })).status).toBe(429);
  const metrics = await (await ask("/metrics", { as: "operator" })).text();
  expect(metrics).toMatch(/^coffee_orders_rejected_total\{mode="v2",reason="rate_limited"\} 1$/m);
  const rejected = await ask("/api/dashboard", { as: "slow" });
  expect(rejected.status).toBe(429);
  expect(await rejected.json()).toMatchObject({ type: "rate-limited", status: 429 });
  for (const name of ["retry-after", "ratelimit-reset"])
    expect(Number(rejected.headers.get(name))).toBeGreaterThan(0);
  expect((await ask("/api/dashboard", { as: "wall" })).headers.has("ratelimit-limit")).toBe(false);
});

describe("a WebSocket of orders", () => {
  const connect = (mode: string, as: string) => openOrderSocket({ url: system.url, mode, token: token(as) });

  test("needs a token that may write in its mode", async () => {
    const socket = await connect("v2", "till");
    const order = { id: newOrderId(), ...LATTE };
    expect(await socket.send(order)).toEqual({ id: order.id, status: "queued" });
    socket.close();
    for (const [mode, as] of [
      ["v1", "till"],
      ["v2", "wall"],
    ] as const)
      await expect(connect(mode, as)).rejects.toThrow(`/ws/orders/${mode}`);
  });

  test("counts each of its orders as a request of the token", async () => {
    const socket = await connect("v2", "brief");
    const results = await Promise.all([1, 2, 3, 4].map(() => socket.send({ id: newOrderId(), ...LATTE })));
    // the upgrade was a request too
    expect(results.filter((result) => "status" in result)).toHaveLength(2);
    for (const result of results.filter((each) => !("status" in each)))
      expect(result).toMatchObject({
        problem: { type: "rate-limited", status: 429 },
        retry_after_seconds: expect.any(Number),
      });
    expect((await ask("/api/v2/order", { ...ORDER, as: "brief" })).status).toBe(429);
    socket.close();
  });
});

test("reads the file again when it is replaced, and closes the WebSockets of removed tokens", async () => {
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${tokensFile}.new`, text);
    await rename(`${tokensFile}.new`, tokensFile);
  };
  const status = async (as: string): Promise<number> => (await ask("/api/setup", { as })).status;
  await replace(JSON.stringify([...LIST, { name: "next", token: token("next"), may: ["read"] }]));
  await until("the new token is valid", async () => (await status("next")) === 200);
  expect(await status("wall")).toBe(200);
  const socket = await open([LIVE_PROTOCOL, `bearer.${token("wall")}`]);
  if (typeof socket === "number") throw new Error(`answered ${socket}`);
  const closed = once(socket, "close");
  const orders = await openOrderSocket({ url: system.url, mode: "v2", token: token("till") });
  await replace(JSON.stringify([{ name: "next", token: token("next"), may: ["read"] }]));
  await until("the old token is not valid any more", async () => (await status("wall")) === 401);
  expect(await status("next")).toBe(200);
  expect(await closed).toEqual([1008, Buffer.from("token no longer valid")]);
  expect(await orders.closed).toEqual({ code: 1008, reason: "token no longer valid" });
});
