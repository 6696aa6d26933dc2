/** The HTTP application without a backend: the built page, pages of other origins, internal errors. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type FastifyBaseLogger, type FastifyInstance, fastify } from "fastify";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addCors } from "./headers.ts";
import { addMethodRules } from "./methods.ts";
import { handleError } from "./problems.ts";
import { addPageRoutes } from "./routes/page.ts";

const HTML = "<!doctype html><title>Coffee-RT</title>";
let parent = "";
let folder = "";
let app: FastifyInstance;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "coffee-rt-page-"));
  folder = join(parent, "dist");
});
afterEach(async () => {
  await app.close();
  rmSync(parent, { recursive: true });
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

const open = async (allowedOrigins: readonly string[] = [], log = new Writable()): Promise<void> => {
  const loggerInstance: FastifyBaseLogger = pino({ level: "error" }, log);
  app = fastify({ loggerInstance });
  addCors(app, allowedOrigins);
  app.setErrorHandler(handleError);
  addMethodRules(app);
  await addPageRoutes(app, folder);
  app.get("/api/dashboard", (_request, reply) => reply.header("vary", "accept").send({}));
};
const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

describe("the page", () => {
  test("has a strict policy and is revalidated each time, while its assets never change", async () => {
    buildPage();
    await open();
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
    expect([asset.body, asset.headers["cache-control"], asset.headers["content-type"]]).toEqual([
      "live();",
      "public, max-age=31536000, immutable",
      "application/javascript; charset=utf-8",
    ]);
    const { headers } = await get("/favicon.svg");
    expect([headers["content-type"], headers["cache-control"]]).toEqual([
      "image/svg+xml",
      "public, max-age=86400",
    ]);
  });

  test("is sent compressed as the browser accepts it, and not again while it is unchanged", async () => {
    buildPage();
    await open();
    const codings = ["gzip, deflate, br", "gzip", "br;q=0, gzip;q=0.5", "identity"];
    const replies = await Promise.all(codings.map((coding) => get("/", { "accept-encoding": coding })));
    expect(replies.map(({ headers }) => headers["content-encoding"])).toEqual([
      "br",
      "gzip",
      "gzip",
      undefined,
    ]);
    for (const { headers } of replies) expect(headers.vary).toBe("accept-encoding");
    for (const [index, coding] of codings.entries()) {
      const etag = String(replies[index]?.headers.etag);
      const again = await get("/", { "if-none-match": etag, "accept-encoding": coding });
      expect([again.statusCode, again.body]).toEqual([304, ""]);
    }
    expect(new Set(replies.map(({ headers }) => headers.etag)).size).toBe(3);
  });

  test("serves only its files", async () => {
    buildPage();
    await open();
    for (const path of [
      "/assets/none.js",
      "/assets/..%2findex.html",
      "/assets/..%2f.built-from",
      "/.built-from",
      "/index.html.br",
    ])
      expect([path, (await get(path)).statusCode]).toEqual([path, 404]);
  });

  test("can be built and rebuilt while the API runs; without a build the reply names the command", async () => {
    await open();
    const missing = await get("/");
    expect([missing.statusCode, missing.headers["content-type"]]).toEqual([404, "application/problem+json"]);
    expect(missing.json().detail).toContain("npm run build:dashboard");
    expect((await get("/api/dashboard")).statusCode).toBe(200);
    buildPage();
    expect((await get("/")).statusCode).toBe(200);
    renameSync(folder, `${folder}.former`);
    buildPage("<!doctype html>newer", "assets/page-def.js");
    expect((await get("/")).body).toContain("newer");
    // a browser may have the page before, and load its assets now
    for (const asset of ["page-abc.js", "page-def.js"])
      expect([asset, (await get(`/assets/${asset}`)).statusCode]).toEqual([asset, 200]);
  });
});

describe("pages of other origins", () => {
  const preflight = (origin: string) =>
    app.inject({
      method: "OPTIONS",
      url: "/api/v1/order",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });

  test("read replies only from allowed origins", async () => {
    await open(["http://localhost:3000"]);
    const allowed = await get("/api/dashboard", { origin: "http://localhost:3000" });
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "http://localhost:3000",
      vary: "accept, origin",
    });
    const other = await get("/api/dashboard", { origin: "http://other.example" });
    expect(other.headers).not.toHaveProperty("access-control-allow-origin");
    const { statusCode, headers } = await preflight("http://localhost:3000");
    expect([statusCode, headers["access-control-allow-headers"]]).toEqual([
      204,
      "authorization, content-encoding, content-type, idempotency-key, if-none-match",
    ]);
  });

  test("send orders only from named origins, also where any page may read", async () => {
    await open(["*", "https://till.example"]);
    const allowedHeaders = async (origin: string): Promise<unknown> =>
      (await preflight(origin)).headers["access-control-allow-headers"];
    expect(await allowedHeaders("https://anywhere.example")).toBe("authorization, if-none-match");
    expect(await allowedHeaders("https://till.example")).toContain("content-type");
    const read = await get("/api/dashboard", { origin: "https://anywhere.example" });
    expect(read.headers["access-control-allow-origin"]).toBe("https://anywhere.example");
  });

  test("get no CORS headers without ALLOWED_ORIGINS", async () => {
    await open();
    const { headers } = await get("/api/dashboard", { origin: "http://localhost:3000" });
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });
});

test("an internal error shows the client nothing, and is logged with its route", async () => {
  const lines: string[] = [];
  await open([], new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) }));
  app.get("/things/:name", async () => {
    throw new Error("a secret went wrong");
  });
  const reply = await get("/things/one?key=hidden");
  expect(reply.json()).toEqual({ type: "internal", title: "Internal server error", status: 500 });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    method: "GET",
    route: "/things/:name",
    err: { message: "a secret went wrong" },
    msg: "request failed",
  });
  expect(lines[0]).not.toContain("hidden");
});
