/** How the built page is served, and to whom. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type FastifyInstance, fastify } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { addOrigins } from "./origins.ts";
import { openPageFiles } from "./page-files.ts";
import { handleNotFound } from "./problem.ts";
import { addPageRoutes } from "./routes/page.ts";

const HTML = "<!doctype html><title>Coffee-RT</title>";
let folder = "";
let app: FastifyInstance;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-dist-"));
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const buildPage = (html = HTML, asset = "assets/page-abc.js"): void => {
  mkdirSync(join(folder, "assets"), { recursive: true });
  const files: [string, string][] = [
    [asset, "live();"],
    ["favicon.svg", "<svg/>"],
    ["index.html", html],
  ];
  for (const [path, text] of files) {
    writeFileSync(join(folder, path), text);
    writeFileSync(join(folder, `${path}.br`), brotliCompressSync(text));
    writeFileSync(join(folder, `${path}.gz`), gzipSync(text));
  }
  writeFileSync(join(folder, ".built-from"), "secret");
};

const open = (allowedOrigins: readonly string[] = []): FastifyInstance => {
  app = fastify();
  addOrigins(app, allowedOrigins);
  app.setNotFoundHandler(handleNotFound);
  addPageRoutes(app, openPageFiles(folder));
  app.get("/api/dashboard", (_request, reply) => reply.header("vary", "accept").send({}));
  return app;
};
const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

test("the page comes under a strict policy, is asked for again each time, and its assets never", async () => {
  buildPage();
  open();
  const page = await get("/");
  expect([page.statusCode, page.body]).toEqual([200, HTML]);
  expect(page.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  const asset = await get("/assets/page-abc.js");
  expect([asset.body, asset.headers["cache-control"]]).toEqual([
    "live();",
    "public, max-age=31536000, immutable",
  ]);
  expect((await get("/favicon.svg")).headers["content-type"]).toBe("image/svg+xml");
});

test("it comes compressed as the browser takes it, and not again while it is the same", async () => {
  buildPage();
  open();
  const codings = ["gzip, deflate, br", "gzip", "br;q=0, gzip;q=0.5", "identity"];
  const replies = await Promise.all(codings.map((coding) => get("/", { "accept-encoding": coding })));
  expect(replies.map(({ headers }) => headers["content-encoding"])).toEqual([
    "br",
    "gzip",
    "gzip",
    undefined,
  ]);
  const { etag } = (await get("/")).headers;
  const again = await get("/", { "if-none-match": String(etag) });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
  const etags = new Set(replies.map(({ headers }) => headers.etag));
  expect([...etags]).toHaveLength(3);
});

test("only what the page consists of is served", async () => {
  buildPage();
  open();
  for (const path of [
    "/assets/none.js",
    "/assets/..%2findex.html",
    "/assets/..%2f.built-from",
    "/.built-from",
  ])
    expect([path, (await get(path)).statusCode]).toEqual([path, 404]);
});

test("without a build it says how to make one, and serves it as soon as it is there", async () => {
  open();
  const missing = await get("/");
  expect([missing.statusCode, missing.headers["content-type"]]).toEqual([404, "application/problem+json"]);
  expect(missing.json().detail).toContain("npm run build:dashboard");
  expect((await get("/api/dashboard")).statusCode).toBe(200);
  buildPage();
  await until("the page is there", async () => (await get("/")).statusCode === 200);
  rmSync(join(folder, "assets"), { recursive: true });
  buildPage("<!doctype html>newer", "assets/page-def.js");
  await until("the newer page is there", async () => (await get("/")).body.endsWith("newer"));
  // a browser may have the page before and not yet what it loads
  for (const asset of ["page-abc.js", "page-def.js"])
    expect([asset, (await get(`/assets/${asset}`)).statusCode]).toEqual([asset, 200]);
});

test("pages of other origins read replies only where they are allowed to", async () => {
  open(["http://localhost:3000"]);
  const allowed = await get("/api/dashboard", { origin: "http://localhost:3000" });
  expect(allowed.headers).toMatchObject({
    "access-control-allow-origin": "http://localhost:3000",
    vary: "accept, origin",
  });
  const other = await get("/api/dashboard", { origin: "http://elsewhere" });
  expect(other.headers).not.toHaveProperty("access-control-allow-origin");
  const asked = await app.inject({
    method: "OPTIONS",
    url: "/api/v1/order",
    headers: { origin: "http://localhost:3000", "access-control-request-method": "POST" },
  });
  expect([asked.statusCode, asked.headers["access-control-allow-headers"]]).toEqual([
    204,
    "content-type, idempotency-key, if-none-match",
  ]);
});

test("where any page may read, only one that is named may send orders", async () => {
  open(["*", "https://till.example"]);
  const leave = async (origin: string): Promise<unknown> => {
    const asked = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    const { headers } = await app.inject({ method: "OPTIONS", url: "/api/v1/order", headers: asked });
    return headers["access-control-allow-headers"];
  };
  expect(await leave("https://anywhere.example")).toBe("if-none-match");
  expect(await leave("https://till.example")).toContain("content-type");
  const read = await get("/api/dashboard", { origin: "https://anywhere.example" });
  expect(read.headers["access-control-allow-origin"]).toBe("https://anywhere.example");
});

test("without ALLOWED_ORIGINS nobody else is told anything", async () => {
  open();
  const { headers } = await get("/api/dashboard", { origin: "http://localhost:3000" });
  expect(headers).not.toHaveProperty("access-control-allow-origin");
});
