/** The whole API under a path of a proxy that removes it, in a real nginx: page, documents, WebSocket, locations. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { buildPageIfStale } from "../../dev/build-dashboard.ts";
import { closeAll, until } from "../fresh.ts";
import { startNginx } from "../nginx.ts";
import { getJson, postOrder } from "../requests.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, test as testInChromium } from "./visits.ts";

let system: System;
let url: string;
const closers = openClosers();
afterAll(() => closeAll(closers));

/** `/coffee/` as documented; `/replaced/` with the backend's Host and the browser's in another header; `/bare/` with neither. */
const settingsFor = (port: number, apiUrl: string): string => {
  const upgrade =
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_header;";
  const passed = (path: string, headers: string): string =>
    `location ${path} { proxy_pass ${apiUrl}/; ${upgrade} ${headers} }`;
  return `map $http_upgrade $connection_header { default upgrade; "" close; }
server {
  listen 127.0.0.1:${port};
  ${passed("/coffee/", "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Prefix /coffee;")}
  ${passed("/replaced/", "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Prefix /replaced/;")}
  ${passed("/bare/", "")}
}`;
};

beforeAll(async () => {
  [system] = await Promise.all([startSystem({ modes: ["v1", "v2"] }), buildPageIfStale()]);
  closers.add("system", system.close);
  url = await startNginx(closers, (port) => settingsFor(port, system.url));
});

test.each(["/coffee", "/replaced"])("an order's location under %s leads to its status", async (path) => {
  for (const mode of ["v1", "v2"]) {
    const location = (await postOrder(url + path, mode)).headers.get("location") ?? expect.fail("a location");
    expect(location).toMatch(new RegExp(`^${path}/api/orders/`));
    await until("it is visible", async () => (await fetch(new URL(location, url))).status === 200);
  }
});

test("documents and links lead to addresses under the path", async () => {
  for (const address of ["/coffee/openapi.json", "/coffee/docs/json"]) {
    const { servers } = await getJson<{ servers: { url: string }[] }>(url + address);
    const base = new URL(`${servers[0]?.url}/`, url + address).href;
    expect(base).toBe(`${url}/coffee/`);
    expect((await postOrder(base, "v1")).status).toBe(201);
  }
  const redirect = await fetch(`${url}/coffee/docs`);
  expect([redirect.url, redirect.status]).toEqual([`${url}/coffee/docs/`, 200]);
  for (const page of [redirect.url, `${url}/coffee/`]) {
    const html = await (await fetch(page)).text();
    const files = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(
      (match) => new URL((match[1] ?? "").replaceAll("&amp;", "&"), page),
    );
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      expect(file.href).toContain(`${url}/coffee/`);
      expect([file.href, (await fetch(file)).status]).toEqual([file.href, 200]);
    }
  }
  await until("sales are counted", async () =>
    (await fetch(`${url}/coffee/api/sales?limit=1`)).headers.has("link"),
  );
  const first = await fetch(`${url}/coffee/api/sales?limit=1`);
  const [, next = ""] = /^<([^>]+)>/.exec(first.headers.get("link") ?? "") ?? [];
  const second = await fetch(new URL(next, first.url));
  expect([second.status, new URL(second.url).pathname]).toEqual([200, "/coffee/api/sales"]);
});

/** What a WebSocket of a page of this origin gets: a frame, or the status of a rejection. */
const opened = async (path: string, origin: string): Promise<string> => {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}/ws/dashboard`, { origin });
  const refused = once(socket, "unexpected-response").then(([, response]) => String(response.statusCode));
  const result = await Promise.race([once(socket, "message").then(() => "a frame"), refused]);
  socket.on("error", () => undefined).terminate();
  return result;
};

test("a WebSocket of the proxy's own page opens where the proxy says its host, and no other", async () => {
  expect(await opened("/coffee", url)).toBe("a frame");
  expect(await opened("/replaced", url)).toBe("a frame");
  expect(await opened("/bare", url)).toBe("403");
  for (const path of ["/coffee", "/replaced", "/bare"])
    for (const origin of ["https://evil.example", `${url}.evil.example`, "http://127.0.0.1:1"])
      expect([path, origin, await opened(path, origin)]).toEqual([path, origin, "403"]);
});

testInChromium("the page works under the path", async () => {
  const visits = await openVisits();
  closers.add("visits", visits.close);
  const visit = await visits.openLive(`${url}/coffee/`);
  const before = await visit.number("#hour-orders");
  expect((await postOrder(`${url}/coffee`, "v1")).status).toBe(201);
  await visit.untilOrders(before + 1);
  expect(visit.consoleErrors).toEqual([]);
});
