import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderForFile, serveForTest } from "../test/temporary.ts";
import { checkSettings, reachGivenServers } from "./settings.ts";

const MODES = ["v1", "v2", "v3"];
const file = join(folderForFile(), "wrong.json");
writeFileSync(file, '[{"name":"till","token":"0123456789abcdef","may":["write"],"requestPerMinute":6}]');

test("no settings are needed, and those of unused servers are not checked", () => {
  expect(checkSettings(MODES, {}).tokens).toBeNull();
  expect(checkSettings(["v1"], { STREAM_REDIS_URL: "nonsense", KAFKA_BROKERS: "x" }).tokens).toBeNull();
  // of another Kafka than the one that is started
  expect(checkSettings(MODES, { KAFKA_SASL_MECHANISM: "PLAIN" }).tokens).toBeNull();
});

test.each<[Record<string, string>, string | RegExp]>([
  [
    { DATABASE_URL: "nonsense" },
    /^DATABASE_URL is "nonsense": expected a URL that begins with postgres:\/\//,
  ],
  [{ BOARD_REDIS_URL: "localhost:6379" }, /^BOARD_REDIS_URL is .*: expected a URL as redis:\/\/host:port/],
  [
    { STREAM_REDIS_URL: "http://h" },
    /^STREAM_REDIS_URL is "http:\/\/h": expected a URL as redis:\/\/host:port/,
  ],
  [{ KAFKA_BROKERS: "localhost" }, /^KAFKA_BROKERS is "localhost": expected host:port/],
  [{ KAFKA_BROKERS: "h:0" }, "KAFKA_BROKERS: 0 is no port, expected 1 to 65535."],
  [
    { DATABASE_URL_FILE: "/run/url" },
    "DATABASE_URL_FILE is set: npm start expects the address in DATABASE_URL.",
  ],
  [{ ACCESS: "token" }, /^ACCESS is "token": expected one of open, tokens/],
  [{ ACCESS: "tokens" }, /^ACCESS is tokens: set either TOKENS_FILE or TOKENS/],
  [{ ACCESS: "tokens", TOKENS_FILE: "/nowhere" }, /^TOKENS_FILE is "\/nowhere": ENOENT/],
  [
    { ACCESS: "tokens", TOKENS_FILE: file },
    /^TOKENS_FILE is .* entry 1: there is no field "requestPerMinute"; .* requestsPerMinute/,
  ],
  [{ MAX_EVENT_AGE_DAYS: "soon" }, /^MAX_EVENT_AGE_DAYS is "soon": expected a whole number from 1/],
  [{ CATALOGUE_FILE: "/nowhere" }, /^CATALOGUE_FILE is "\/nowhere": ENOENT/],
  [{ CATALOGUE_FILE: file }, /^CATALOGUE_FILE is ".*wrong\.json": /],
  [
    { ALLOWED_ORIGINS: "localhost:3000" },
    /^ALLOWED_ORIGINS has "localhost:3000": expected http:\/\/host:port/,
  ],
  [{ PUBLISH_EVERY_MS: "0" }, /^PUBLISH_EVERY_MS is "0": expected a whole number from 10/],
  [{ V1_ENABLED: "maybe" }, /^V1_ENABLED is set: expected npm start -- --modes v1,v2/],
  [{ V3_ENABLED: "false" }, /^V3_ENABLED is set: expected npm start -- --modes v1,v2/],
])("%j is refused by name before a server starts", (environment, message) => {
  expect(() => checkSettings(MODES, environment)).toThrow(message);
});

test("origins are accepted as browsers send them, and refused in another spelling", () => {
  const accepts = (origins: string) => checkSettings(["v1"], { ALLOWED_ORIGINS: origins }).protectsMetrics;
  for (const text of [
    "*",
    "http://localhost:3000, https://shop.example",
    "https://[::1]:8443,*",
    "http://xn--kse-qla.ch",
  ])
    expect(accepts(text)).toBe(false);
  for (const [text, meant] of [
    ["https://shop.example/", '"https://shop.example", as browsers send it'],
    ["https://Shop.example", '"https://shop.example", as browsers send it'],
    ["http://shop.example:80", '"http://shop.example", as browsers send it'],
    ["http://a.example,https://shop.example/page", '"https://shop.example", as browsers send it'],
    ["https://*.example", "http://host:port"],
    ["null", "http://host:port"],
    ["file:///page", "http://host:port"],
    ["ws://shop.example", "http://host:port"],
  ] as const)
    expect(() => accepts(text), text).toThrow(`: expected ${meant}`);
});

test("a given server that accepts no connection is named with its variable", async () => {
  const { url } = await serveForTest((_request, response) => response.end());
  const port = new URL(url).port;
  const free = createServer().listen(0);
  const closed = (free.address() as { port: number }).port;
  await new Promise((resolve) => free.close(resolve));
  const given = {
    DATABASE_URL: `postgres://u:secret@127.0.0.1:${port}/d`,
    BOARD_REDIS_URL: `redis://localhost:${port}`,
    KAFKA_BROKERS: `127.0.0.1:${closed}, 127.0.0.1:${port}`,
  };
  await reachGivenServers(MODES, given);
  await reachGivenServers(MODES, { DATABASE_URL: "postgres:///d?host=/var/run/postgresql" });
  for (const [variable, address] of [
    ["DATABASE_URL", `postgres://127.0.0.1:${closed}/x`],
    ["BOARD_REDIS_URL", `redis://localhost:${closed}`],
    ["STREAM_REDIS_URL", `redis://[::1]:${closed}`],
    ["KAFKA_BROKERS", `localhost:${closed}`],
  ] as const)
    await expect(reachGivenServers(MODES, { ...given, [variable]: address })).rejects.toThrow(
      new RegExp(`^${variable} is ".*": expected the address of a running server \\(.*\\), got connect E`),
    );
});
