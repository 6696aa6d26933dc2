/** The operator's smoke command as a program, on real systems; the replies that those do not give come from a server here. */
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { numberOf } from "../../dev/system/database.ts";
import { freePort } from "../../dev/system/servers/ports.ts";
import { until } from "../../test/fresh.ts";
import { OPERATOR, startProgram } from "../../test/processes.ts";
import { countedAt } from "../../test/requests.ts";
import { startSystem } from "../../test/system.ts";
import { folderForFile, serveForTest } from "../../test/temporary.ts";

const token = (name: string): string => `${name}-0123456789abcdef`;
const tokensFile = join(folderForFile(), "tokens.json");
const may = { both: ["write", "read"], reader: ["read"] };
writeFileSync(
  tokensFile,
  JSON.stringify(Object.entries(may).map(([name, rights]) => ({ name, token: token(name), may: rights }))),
);
const system = await startSystem();
const idle = await startSystem({
  modes: ["v1", "v2"],
  workers: false,
  env: { ACCESS: "tokens", TOKENS_FILE: tokensFile },
});
afterAll(() => Promise.all([system.close(), idle.close()]));

const smoke = async (args: readonly string[], env: Record<string, string> = {}) => {
  const program = startProgram(OPERATOR, env, ["smoke", ...args]);
  const status = await program.ended;
  return { status, lines: program.output().trimEnd().split("\n").sort() };
};
const names = modes.map(({ name }) => name);

test("posts one order in every mode and exits with 0 once the dashboard counts it", async () => {
  const { status, lines } = await smoke([], { API_URL: system.url });
  expect(lines).toEqual(names.map((mode) => expect.stringMatching(`^${mode}: counted after [0-9.]+ s$`)));
  expect(status).toBe(0);
  expect(await countedAt(system.url)).toEqual(Object.fromEntries(names.map((mode) => [mode, 1])));
});

test("uses the modes and the address of its options", async () => {
  const { status, lines } = await smoke(["--url", `${system.url}/`, "--modes", "v3"], {
    API_URL: "http://x.invalid",
  });
  expect(lines).toEqual([expect.stringMatching(/^v3: counted/)]);
  expect(status).toBe(0);
  const unknown = await smoke(["--url", system.url, "--modes", "v1,v9"]);
  expect(unknown.lines).toEqual([`--modes v9: ${system.url} has ${names.join(", ")}, and no other mode`]);
  expect(unknown.status).toBe(1);
});

test("exits with 1 and names the modes whose order is not counted in time", async () => {
  const { status, lines } = await smoke(["--url", idle.url, "--wait", "1.5"], { API_TOKEN: token("both") });
  expect(lines).toEqual([
    `The smoke test of ${idle.url} failed in v1, v2.`,
    expect.stringMatching(/^v1: order [0-9a-f-]{36} was accepted \(201\) and not counted within 1\.5 s$/),
    expect.stringMatching(/^v2: order [0-9a-f-]{36} was accepted \(202\) and not counted within 1\.5 s$/),
  ]);
  expect(status).toBe(1);
  expect(await numberOf(idle.pool, "SELECT count(*) FROM orders")).toBe(1);
});

test.each([
  [
    "without a token",
    {},
    "/api/setup: .* answers 401: .*API_TOKEN is not set: expected a token that may write and read$",
  ],
  [
    "with a token that may not write",
    { API_TOKEN: token("reader") },
    'v1: .* 403: the token "reader" may not write',
  ],
])("names the missing right %s", async (_name, env, message) => {
  const { status, lines } = await smoke(["--url", idle.url, "--modes", "v1", "--wait", "5"], env);
  expect(lines.join("\n")).toMatch(new RegExp(message));
  expect(status).toBe(1);
});

test("exits with 1 when nothing listens, and with 2 for wrong options", async () => {
  const nowhere = await smoke(["--url", `http://127.0.0.1:${await freePort()}`, "--wait", "1"]);
  expect(nowhere).toEqual({
    status: 1,
    lines: [expect.stringMatching(/^http:.* does not answer: .*ECONNREFUSED/)],
  });
  for (const args of [
    ["--url", "order-api:8005"],
    ["--wait", "soon"],
    ["--mode", "v1"],
  ])
    expect((await smoke(args)).status).toBe(2);
});

const ORDERS = Array.from({ length: 50 }, (_, index) => ({ id: `other-${index}` }));

test.each([
  [
    "counted, with 50 newer orders in the list",
    { status: "counted" },
    { recent_orders: ORDERS },
    0,
    /^v1: counted/,
  ],
  [
    "counted, on a board that is not published",
    { status: "counted" },
    { recent_orders: ORDERS, stale: true },
    1,
    /not counted/,
  ],
  [
    "stored, with 50 other orders in the list",
    { status: "stored" },
    { recent_orders: ORDERS },
    1,
    /not counted/,
  ],
  [
    "a dead letter",
    { status: "dead", detail: "no partition" },
    { recent_orders: [] },
    1,
    /dead letter: no partition/,
  ],
])("an order that is %s", async (_name, order, board, expected, message) => {
  const replies: Record<string, object> = {
    "/api/setup": { modes: [{ name: "v1" }] },
    "/api/catalogue": { stores: ["uptown"], drinks: ["latte"] },
    "/api/v1/order": {},
    "/api/dashboard": { stale: false, ...board },
  };
  const { url } = await serveForTest((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://here");
    response.end(JSON.stringify(replies[pathname] ?? order));
  });
  const { status, lines } = await smoke(["--url", url, "--wait", expected === 0 ? "20" : "1"]);
  expect(lines.join("\n")).toMatch(message);
  expect(status).toBe(expected);
});

/** Everything but the order's own status; `interfere` may break a request first. */
const fakeApi = (interfere: (path: string, socket: Socket) => boolean) =>
  serveForTest((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://here");
    if (interfere(pathname, request.socket)) return;
    const replies: Record<string, object> = {
      "/api/setup": { modes: [{ name: "v1" }] },
      "/api/catalogue": { stores: ["uptown"], drinks: ["latte"] },
      "/api/v1/order": {},
      "/api/dashboard": { stale: false, recent_orders: ORDERS },
    };
    response.end(JSON.stringify(replies[pathname] ?? { status: "counted" }));
  });

test("a connection that is reset fails no request", async () => {
  const broken = new Set<string>();
  const { url } = await fakeApi((path, socket) => {
    const isFirst = !broken.has(path);
    broken.add(path);
    if (isFirst) socket.resetAndDestroy();
    return isFirst;
  });
  const { status, lines } = await smoke(["--url", url, "--wait", "20"]);
  expect(lines).toEqual([expect.stringMatching(/^v1: counted/)]);
  expect(status).toBe(0);
  expect([...broken].filter((path) => path.startsWith("/api/orders/"))).toHaveLength(1);
});

test("waits for the first reply as long as --wait says", async () => {
  const startedMs = Date.now();
  const { url } = await fakeApi((path, socket) => {
    if (path !== "/api/setup" || Date.now() - startedMs > 33_000) return false;
    socket.resetAndDestroy();
    return true;
  });
  expect((await smoke(["--url", url, "--wait", "50"])).status).toBe(0);
}, 60_000);

test("Ctrl-C ends it with 130, and without a verdict on the order", async () => {
  const program = startProgram(OPERATOR, { API_TOKEN: token("both") }, ["smoke", "--url", idle.url]);
  await until(
    "the order is stored",
    async () => (await numberOf(idle.pool, "SELECT count(*) FROM orders")) > 1,
  );
  expect(await program.kill("SIGINT")).toBe(130);
  expect(program.output()).toBe("interrupted: an order that was accepted is still counted\n");
});
