/** The programs on servers that require TLS with certificates of a private authority; no program prints a password. */
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { freshName, until } from "./fresh.ts";
import { MIGRATIONS, OPERATOR, openProcesses, type Processes, untilCounted } from "./processes.ts";
import { getJson, postOrder, type Readiness } from "./requests.ts";
import { PASSWORD, startTlsServers, type TlsServers } from "./tls-servers.ts";

let servers: TlsServers;
beforeAll(async () => {
  servers = await startTlsServers();
});
afterAll(() => servers?.stop());

const names = modes.map(({ name }) => name);
const opened: Processes[] = [];
afterEach(async () => {
  const all = opened.splice(0);
  for (const { output } of all.flatMap(({ programs }) => programs)) expect(output()).not.toContain(PASSWORD);
  await Promise.all(all.map(({ close }) => close()));
});

/** Programs whose output is searched for the password at the end of the test. */
const open = (settings: Record<string, string>): Processes => {
  const processes = openProcesses({ LOG_LEVEL: "debug", POLL_EVERY_MS: "100", ...settings });
  opened.push(processes);
  return processes;
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

/** The ports of Redis that its other clients are connected to. */
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

test("every mode accepts and counts orders with every connection by TLS", async () => {
  const name = freshName("orders");
  const trusting = { ...servers.env, NODE_EXTRA_CA_CERTS: servers.certificates.authority };
  const { start, startApi, startWorker } = open({ ...trusting, V3_TOPIC: name, V3_GROUP: name });
  expect(await start(MIGRATIONS).ended, "migrations").toBe(0);
  for (const mode of names) startWorker(mode);
  const { url } = await startApi(names);
  await untilCounted(url, names);
  const clients = await postgresClients();
  expect(clients.length).toBeGreaterThan(modes.length);
  expect(clients.filter(({ ssl }) => !ssl)).toEqual([]);
  for (const { url: plain, tlsPort } of servers.plain.redis) {
    const ports = await redisPorts(plain);
    expect(ports.length).toBeGreaterThan(1);
    expect(new Set(ports)).toEqual(new Set([tlsPort]));
  }
});

/** By Node, for a server that sends its authority along, and for one that does not. */
const UNVERIFIED = /self-signed certificate in certificate chain|unable to verify the first certificate/;

describe("with a certificate of an unknown authority", () => {
  test("no mode connects, and /readyz, replies and logs give the reason", async () => {
    const api = await open(servers.env).startApi(names);
    await until("each mode reports a reason", async () => {
      const { modes: found } = await getJson<Readiness>(`${api.url}/readyz`);
      return Object.values(found).every(
        ({ health, reason }) => health === "unavailable" && reason !== "not probed yet",
      );
    });
    for (const mode of names) {
      const response = await postOrder(api.url, mode);
      expect([mode, response.status]).toEqual([mode, 503]);
      expect(await response.text()).not.toContain(PASSWORD);
    }
    expect(await (await fetch(`${api.url}/readyz`)).text()).not.toContain(PASSWORD);
    expect(api.output()).toMatch(UNVERIFIED);
  });

  test("the migrations fail with the reason", async () => {
    const migrations = open(servers.env).start(MIGRATIONS, { WAIT_FOR_DATABASE_MS: "0" });
    expect(await migrations.ended).toBe(1);
    expect(migrations.output()).toMatch(UNVERIFIED);
  });
});

describe("a rejected password is not printed", () => {
  /** The same servers with a user that they do not know. */
  const openRejected = (): Processes =>
    open({
      ...Object.fromEntries(
        Object.entries(servers.env).map(([name, url]) => [name, url.replace("coffee:", "nobody:")]),
      ),
      NODE_EXTRA_CA_CERTS: servers.certificates.authority,
      WAIT_FOR_DATABASE_MS: "0",
    });

  test("by the API", async () => {
    const api = await openRejected().startApi(names);
    await until("the servers have rejected it", () => /WRONGPASS/.test(api.output()));
    for (const path of ["/readyz", "/api/dashboard", "/api/sales", "/metrics"])
      expect(await (await fetch(api.url + path)).text()).not.toContain(PASSWORD);
    for (const mode of names) expect(await (await postOrder(api.url, mode)).text()).not.toContain(PASSWORD);
  });

  test("by the workers, the migrations and the operator's commands", async () => {
    const { start, startWorker } = openRejected();
    const workers = names.map((mode) => startWorker(mode));
    const [migrations, reconcile] = [start(MIGRATIONS), start(OPERATOR, {}, ["reconcile"])];
    await until("the board's Redis has rejected it", () =>
      workers.every(({ output }) => /WRONGPASS/.test(output())),
    );
    for (const { ended, output } of [migrations, reconcile]) {
      expect(await ended).toBe(1);
      expect(output()).toMatch(/role \\*"nobody\\*" does not exist/);
    }
  });
});
