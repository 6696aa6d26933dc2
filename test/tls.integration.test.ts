/** The programs and servers that speak TLS, with certificates of an authority of our own; and that no password is told. */
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { countedAt, listeningAt, order } from "./api-process.ts";
import { freshName, type Program, startProgram, until } from "./fresh.ts";
import { PASSWORD, startTlsServers, type TlsServers } from "./tls-servers.ts";

let servers: TlsServers;
beforeAll(async () => {
  servers = await startTlsServers();
}, 120_000);
afterAll(() => servers?.stop());

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs) expect(program.output()).not.toContain(PASSWORD);
  await Promise.all(programs.splice(0).map((program) => program.kill("SIGKILL")));
});

const start = (file: string, settings: Record<string, string>): Program => {
  const program = startProgram(file, { LOG_LEVEL: "debug", ...settings });
  programs.push(program);
  return program;
};

const switches = Object.fromEntries(modes.map(({ name }) => [`${name.toUpperCase()}_ENABLED`, "true"]));

const startApi = (settings: Record<string, string>): Promise<string> => {
  const env = { ...switches, PORT: "0", POLL_EVERY_MS: "100", ...settings };
  return listeningAt(start("services/order-api/main.ts", env));
};

/** Programs that are connected to PostgreSQL, and whether by TLS. */
const postgresClients = async (): Promise<{ name: string; ssl: boolean }[]> => {
  const client = new pg.Client({ connectionString: servers.plain.postgres });
  await client.connect();
  const { rows } = await client.query<{ name: string; ssl: boolean }>(
    "SELECT application_name AS name, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name LIKE 'coffee-%'",
  );
  await client.end();
  return rows;
};

/** The ports of Redis that its clients came by, but for the one that asks. */
const redisPorts = async (url: string): Promise<number[]> => {
  const client = new Redis(url);
  const [own, list] = [await client.client("ID"), String(await client.client("LIST"))];
  await client.quit();
  return list
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith(`id=${own} `))
    .map((line) => Number(/ laddr=\S+:(\d+) /.exec(line)?.[1]));
};

test("every server by TLS: an order of each mode is taken and counted, and nothing goes another way", async () => {
  const name = freshName("orders");
  const settings = {
    ...servers.env,
    NODE_EXTRA_CA_CERTS: servers.certificates.authority,
    V3_TOPIC: name,
    V3_GROUP: name,
    METRICS_PORT: "0",
  };
  expect(await start("db/main.ts", settings).ended, "migrations").toBe(0);
  const url = await startApi(settings);
  for (const { name: MODE } of modes) start("services/worker/main.ts", { ...settings, MODE });
  for (const { name: mode } of modes)
    await until(`${mode} takes an order`, async () => (await order(url, mode)).ok, 30_000);
  await until(
    "all are counted",
    async () => Object.values(await countedAt(url)).every((orders) => orders > 0),
    30_000,
  );
  const clients = await postgresClients();
  expect(clients.length).toBeGreaterThan(modes.length);
  expect(clients.filter(({ ssl }) => !ssl)).toEqual([]);
  for (const { url: plain, tlsPort } of servers.plain.redis) {
    const ports = await redisPorts(plain);
    expect(ports.length).toBeGreaterThan(1);
    expect(new Set(ports)).toEqual(new Set([tlsPort]));
  }
}, 90_000);

/** In Node's words: of a server that sends its authority along, and of one that does not. */
const UNVERIFIED = /self-signed certificate in certificate chain|unable to verify the first certificate/;

describe("a server whose certificate nobody vouches for", () => {
  test("is not talked to, by any mode, and the reason is told without the password", async () => {
    const url = await startApi(servers.env);
    await until("each mode says why", async () => {
      const { modes: found } = (await (await fetch(`${url}/readyz`)).json()) as {
        modes: Record<string, { health: string; reason?: string }>;
      };
      return Object.values(found).every(
        ({ health, reason }) => health === "unavailable" && reason !== "not asked yet",
      );
    });
    for (const { name: mode } of modes) {
      const response = await order(url, mode);
      expect([mode, response.status]).toEqual([mode, 503]);
      expect(await response.text()).not.toContain(PASSWORD);
    }
    expect(await (await fetch(`${url}/readyz`)).text()).not.toContain(PASSWORD);
    expect(programs[0]?.output()).toMatch(UNVERIFIED);
  });

  test("stops the migrations with that reason", async () => {
    const migrations = start("db/main.ts", { ...servers.env, WAIT_FOR_DATABASE_MS: "0" });
    expect(await migrations.ended).toBe(1);
    expect(migrations.output()).toMatch(UNVERIFIED);
  });
});

/** The same servers with another password: they refuse it, in their own words. */
const refused = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, url]) => [name, url.replace("coffee:", "nobody:")]));

describe("a password that is refused is told by nobody", () => {
  const settings = () => ({ ...refused(servers.env), NODE_EXTRA_CA_CERTS: servers.certificates.authority });

  test("by the API", async () => {
    const url = await startApi(settings());
    await until("the servers have refused", () => /WRONGPASS/.test(programs[0]?.output() ?? ""));
    for (const path of ["/readyz", "/api/dashboard", "/api/sales", "/metrics"])
      expect(await (await fetch(url + path)).text()).not.toContain(PASSWORD);
    for (const { name: mode } of modes) expect(await (await order(url, mode)).text()).not.toContain(PASSWORD);
  });

  test.each(modes.map(({ name }) => name))("by the worker of %s", async (MODE) => {
    const worker = start("services/worker/main.ts", { ...settings(), MODE, METRICS_PORT: "0" });
    await until("the board's Redis has refused", () => /WRONGPASS/.test(worker.output()));
  });

  test("by the migrations and the operator's commands", async () => {
    const env = { ...settings(), WAIT_FOR_DATABASE_MS: "0" };
    const migrations = start("db/main.ts", env);
    const reconcile = startProgram("services/operator/main.ts", env, ["reconcile"]);
    programs.push(reconcile);
    expect(await migrations.ended).toBe(1);
    expect(await reconcile.ended).toBe(1);
    expect(migrations.output() + reconcile.output()).toMatch(/role "nobody" does not exist/);
  });
});

test.each([
  ["DATABASE_URL", `mysql://coffee:${PASSWORD}@db/coffee`],
  ["DATABASE_URL", `coffee:${PASSWORD}@db/coffee`],
  ["BOARD_REDIS_URL", `http://:${PASSWORD}@board`],
  ["STREAM_REDIS_URL", `redi://user:${PASSWORD}@board`],
  ["KAFKA_BROKERS", `kafka+ssl://user:${PASSWORD}@broker:9093`],
])("a wrong %s stops the start, and its password is not told", async (variable, value) => {
  const program = start("services/order-api/main.ts", { ...servers.env, ...switches, [variable]: value });
  expect(await program.ended).toBe(2);
  expect(program.output()).toContain(`${variable} is`);
});
