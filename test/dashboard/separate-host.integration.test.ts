/** The page on a host of its own: behind the container's nginx.conf in a real nginx, or built with the API's address. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { temporaryFolder } from "../../dev/system/launcher.ts";
import { closeAll, until } from "../fresh.ts";
import { startNginx } from "../nginx.ts";
import { type System, startSystem } from "../system.ts";
import { openVisits, sendOrder, test, untilHourLasts, type Visits } from "./visits.ts";

const root = join(import.meta.dirname, "../..");
const config = readFileSync(join(root, "services/dashboard/nginx.conf"), "utf8");

/** The image's nginx.conf with this machine's paths and ports. */
const settingsFor = (port: number, apiUrl: string): string =>
  config
    .replace("listen 8080", `listen 127.0.0.1:${port}`)
    .replace("/usr/share/nginx/html", join(root, "services/dashboard/dist"))
    .replace("http://order-api:8005", apiUrl);

let system: System;
let visits: Visits;
let url: string;
const closers = openClosers();
afterAll(() => closeAll(closers));
beforeAll(async () => {
  [system, visits] = await Promise.all([
    startSystem({ modes: ["v1"], env: { PAGE_ORDERS_PER_SECOND: "40" } }),
    openVisits(),
  ]);
  closers.add("system", system.close);
  closers.add("visits", visits.close);
  url = await startNginx(closers, (port) => settingsFor(port, system.url));
  await until("nginx serves the page", async () => (await fetch(url)).status === 200);
  await untilHourLasts();
});

test("nginx serves the same page with the same headers as the API", async () => {
  const [separate, own] = await Promise.all([fetch(url), fetch(system.url)]);
  expect(await separate.text()).toBe(await own.text());
  for (const name of [
    "content-security-policy",
    "cache-control",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
  ])
    expect({ [name]: separate.headers.get(name) }).toEqual({ [name]: own.headers.get(name) });
  expect(separate.headers.get("content-encoding")).toBe("gzip");
  const script =
    /\/assets\/[\w.-]+\.js/.exec(await (await fetch(url)).text())?.[0] ?? expect.fail("no script");
  expect((await fetch(url + script)).headers.get("cache-control")).toBe(
    (await fetch(system.url + script)).headers.get("cache-control"),
  );
  expect((await fetch(`${url}/.built-from`)).status).toBe(404);
});

test("nginx passes on the API's documents", async () => {
  for (const path of ["/docs/", "/openapi.json", "/asyncapi.json", "/readyz"])
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
});

test("nginx passes on figures, the WebSocket and orders", async () => {
  const visit = await visits.openLive(url);
  const before = await visit.number("#hour-orders");
  await sendOrder(url, "v1");
  await visit.untilOrders(before + 1);
  // the page's button sends from this origin
  await visit.page.locator("#send").click();
  await visit.untilOrders(before + 2);
  // on a busy machine the API may reject an order, which the page sends again
  expect(visit.consoleErrors.filter((text) => !text.includes("status of 503"))).toEqual([]);
});

test("a page built for another host has the API's address in every compressed copy", async () => {
  const out = join(temporaryFolder("coffee-rt-page-", closers), "dist");
  const args = ["dev/build-dashboard.ts", "--out", out, "--api", "https://api.example/coffee"];
  await promisify(execFile)(process.execPath, args, { cwd: root });
  const file = (ending: string): Buffer => readFileSync(join(out, `index.html${ending}`));
  const copies = [file(""), brotliDecompressSync(file(".br")), gunzipSync(file(".gz"))].map(String);
  for (const copy of copies)
    expect(copy).toContain('<meta name="coffee-rt-api" content="https://api.example/coffee">');
});
