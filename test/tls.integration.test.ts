/** The programs on servers that require TLS with certificates of a private authority; no program prints a password. */
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { freshName, until } from "./fresh.ts";
import {
  API,
  MIGRATIONS,
  OPERATOR,
  openProcesses,
  type Processes,
  untilCounted,
  WORKER,
} from "./processes.ts";
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

test("sslrootcert in DATABASE_URL is trusted without NODE_EXTRA_CA_CERTS", async () => {
  const url = `${servers.env["DATABASE_URL"]}&sslrootcert=${servers.certificates.authority}`;
  const migrations = open({ ...servers.env, DATABASE_URL: url }).start(MIGRATIONS);
  expect(await migrations.ended, migrations.output()).toBe(0);
});

type Change = (env: Readonly<Record<string, string>>) => Record<string, string>;
const changed =
  (variable: string, from: string | RegExp, to: string): Change =>
  (env) => ({
    [variable]: (env[variable] ?? "").replace(from, to),
  });
const [board, stream] = [0, 1];
const plainPort =
  (variable: string, index: number): Change =>
  () => ({ [variable]: servers.plain.redis[index]?.url.replace("redis:", "rediss:") ?? "" });

describe("a wrong setting ends a program at the start with a sentence that names it", () => {
  test.each<[string, string, string, Change, RegExp]>([
    [
      API,
      "v1",
      "an unknown user",
      changed("DATABASE_URL", "coffee:", "nobody:"),
      /DATABASE_URL: PostgreSQL refuses the password of the user \\"nobody/,
    ],
    [
      WORKER,
      "v1",
      "a wrong password",
      changed("DATABASE_URL", PASSWORD, "wrong"),
      /DATABASE_URL: PostgreSQL refuses the password of the user \\"coffee/,
    ],
    [
      API,
      "v2",
      "an unknown database",
      changed("DATABASE_URL", "/postgres?", "/nowhere?"),
      /DATABASE_URL: database \\"nowhere\\" does not exist; create the database/,
    ],
    [
      WORKER,
      "v2",
      "no TLS where it is expected",
      changed("DATABASE_URL", "sslmode=verify-full", "sslmode=disable"),
      /DATABASE_URL: PostgreSQL refuses the user .*no encryption/,
    ],
    [
      API,
      "v1",
      "a server without TLS",
      () => ({ DATABASE_URL: `${inject("postgresUrl")}?sslmode=verify-full` }),
      /DATABASE_URL: sslmode asks for TLS, and the server does not offer it/,
    ],
    [
      API,
      "v1",
      "an unknown user",
      changed("BOARD_REDIS_URL", "coffee:", "nobody:"),
      /BOARD_REDIS_URL: Redis refuses the user or the password/,
    ],
    [
      WORKER,
      "v1",
      "a wrong password",
      changed("BOARD_REDIS_URL", PASSWORD, "wrong"),
      /BOARD_REDIS_URL: Redis refuses the user or the password/,
    ],
    [
      WORKER,
      "v2",
      "no TLS where it is expected",
      changed("BOARD_REDIS_URL", "rediss:", "redis:"),
      /BOARD_REDIS_URL: the server accepts TLS only on this port; expected rediss:/,
    ],
    [
      API,
      "v1",
      "TLS where there is none",
      plainPort("BOARD_REDIS_URL", board),
      /BOARD_REDIS_URL: the server does not speak TLS on this port; expected redis:/,
    ],
    [
      API,
      "v2",
      "an unknown user",
      changed("STREAM_REDIS_URL", "coffee:", "nobody:"),
      /STREAM_REDIS_URL: Redis refuses the user or the password/,
    ],
    [
      WORKER,
      "v2",
      "a wrong password",
      changed("STREAM_REDIS_URL", PASSWORD, "wrong"),
      /STREAM_REDIS_URL: Redis refuses the user or the password/,
    ],
    [
      API,
      "v2",
      "TLS where there is none",
      plainPort("STREAM_REDIS_URL", stream),
      /STREAM_REDIS_URL: the server does not speak TLS on this port; expected redis:/,
    ],
    [
      API,
      "v3",
      "an authority that is not trusted",
      () => ({ NODE_EXTRA_CA_CERTS: "" }),
      /its certificate is signed by an authority that is not trusted: (add sslrootcert|set NODE_EXTRA_CA_CERTS|set KAFKA_CA_FILE)/,
    ],
    [
      WORKER,
      "v3",
      "an authority that is not trusted",
      () => ({ NODE_EXTRA_CA_CERTS: "" }),
      /its certificate is signed by an authority that is not trusted/,
    ],
  ])("%s, %s: %s", async (file, mode, _what, change, sentence) => {
    const env = { ...servers.env, NODE_EXTRA_CA_CERTS: servers.certificates.authority };
    const switches = { MODE: mode, [`${mode.toUpperCase()}_ENABLED`]: "true" };
    const program = open({ ...env, ...change(env) }).start(file, switches);
    expect(await program.ended, program.output()).toBe(1);
    expect(program.output()).toMatch(sentence);
  });

  test.each([
    [MIGRATIONS, []],
    [OPERATOR, ["reconcile"]],
  ])("%s %j", async (file, args) => {
    const env = { ...servers.env, NODE_EXTRA_CA_CERTS: servers.certificates.authority };
    const wrong = changed("DATABASE_URL", PASSWORD, "wrong")(env);
    const program = open({ ...env, ...wrong }).start(file, {}, args);
    expect(await program.ended).toBe(1);
    expect(program.output()).toMatch(/DATABASE_URL: PostgreSQL refuses the password of the user \\?"coffee/);
  });
});

test("a server that is down is waited for, and the program starts once it is there", async () => {
  const redis = await startRedis({ name: "redis-board", role: "board" });
  await redis.kill();
  const env = {
    ...servers.env,
    NODE_EXTRA_CA_CERTS: servers.certificates.authority,
    BOARD_REDIS_URL: redis.url,
  };
  const api = await open(env).startApi(["v1"]);
  await until("the outage is logged", () => api.output().includes("board Redis unreachable"));
  await redis.start();
  await until("it is connected", () => api.output().includes("board Redis reachable again"));
  expect(api.process.exitCode).toBeNull();
  await redis.stop();
});
