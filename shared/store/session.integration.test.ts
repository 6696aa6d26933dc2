import pg from "pg";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { type PgbouncerOptions, startPgbouncer } from "../../dev/system/servers/pgbouncer.ts";
import { freshDatabase, freshName, poolOn } from "../../test/fresh.ts";
import { openPool, type Pool } from "./pool.ts";
import { type SessionSettings, UnfitSession } from "./session.ts";

let databaseUrl: string;
let role: string;
/** Every default that a database and a role can have, set wrongly. */
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  role = freshName("careless");
  const admin = poolOn(databaseUrl, 1);
  const database = new URL(databaseUrl).pathname.slice(1);
  await admin.query(`CREATE ROLE ${role} LOGIN`);
  for (const [name, value] of Object.entries(WRONG)) {
    await admin.query(`ALTER ROLE ${role} SET ${name} = ${value}`);
    await admin.query(`ALTER DATABASE ${database} SET ${name} = ${value}`);
  }
  await admin.end();
});

const WRONG = {
  synchronous_commit: "off",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  default_transaction_isolation: "'serializable'",
  bytea_output: "'escape'",
  DateStyle: "'SQL, DMY'",
};
const RIGHT = {
  synchronous_commit: "on",
  statement_timeout: "3s",
  idle_in_transaction_session_timeout: "2s",
  default_transaction_isolation: "read committed",
  bytea_output: "hex",
  DateStyle: "ISO, MDY",
};
const WRONG_OPTIONS = Object.entries(WRONG)
  .map(([name, value]) => `-c ${name}=${value.replaceAll("'", "").replaceAll(" ", "\\ ")}`)
  .join(" ");

const urlWith = (url: string, user: string, parameters: Record<string, string> = {}): string => {
  const changed = new URL(url);
  changed.username = user;
  for (const [name, value] of Object.entries(parameters)) changed.searchParams.set(name, value);
  return changed.href;
};

const poolOf = (url: string, synchronousCommit: "on" | "off" = "on") => {
  const verified: SessionSettings[] = [];
  const unfit: UnfitSession[] = [];
  const pool = openPool(
    {
      databaseUrl: url,
      program: "coffee-test",
      maxConnections: 3,
      statementTimeoutMs: 3_000,
      connectTimeoutMs: 5_000,
      synchronousCommit,
      onVerified: (settings) => verified.push(settings),
      onUnfit: (error) => unfit.push(error),
    },
    () => undefined,
  );
  onTestFinished(() => pool.end());
  return { pool, verified, unfit };
};

const settingsOf = async (pool: Pool): Promise<Record<string, string>> => {
  const names = Object.keys(RIGHT);
  const { rows } = await pool.query<{ name: string; value: string }>(
    "SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS asked (name)",
    [names],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
};

const bouncer = async (poolMode: PgbouncerOptions["poolMode"], settings = {}): Promise<string> => {
  const postgresPort = Number(new URL(inject("postgresUrl")).port);
  const server = await startPgbouncer({ postgresPort, poolMode, users: [role], settings });
  onTestFinished(() => server.stop());
  const url = new URL(databaseUrl);
  url.port = String(server.port);
  return url.href;
};

test("overrides the defaults of role and database", async () => {
  const { pool, verified } = poolOf(urlWith(databaseUrl, role));
  expect(await settingsOf(pool)).toEqual(RIGHT);
  expect(verified[0]).toMatchObject({ synchronous_commit: "on", statement_timeout: "3000", fsync: "off" });
});

test("overrides parameters of DATABASE_URL, and keeps its other options", async () => {
  const options = `${WRONG_OPTIONS} -c search_path=public,pg_catalog`;
  const parameters = { options, statement_timeout: "1", query_timeout: "1", application_name: "other" };
  const { pool } = poolOf(urlWith(databaseUrl, role, parameters));
  expect(await settingsOf(pool)).toEqual(RIGHT);
  const shown = await pool.query("SELECT current_setting('search_path') AS path");
  expect(shown.rows).toEqual([{ path: "public,pg_catalog" }]);
});

test("prepares each connection of a pool, also one that replaces a broken one", async () => {
  const { pool, verified } = poolOf(urlWith(databaseUrl, role));
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
  for (const client of clients) client.release(true);
  expect(await settingsOf(pool)).toEqual(RIGHT);
  expect(verified).toHaveLength(4);
});

test("sets synchronous_commit off for an experiment, and nothing else", async () => {
  const { pool, verified } = poolOf(urlWith(databaseUrl, role), "off");
  expect(await settingsOf(pool)).toEqual({ ...RIGHT, synchronous_commit: "off" });
  expect(verified[0]).toMatchObject({ synchronous_commit: "off" });
});

test("keeps all settings through pgbouncer in session mode with its default settings", async () => {
  const { pool, unfit } = poolOf(urlWith(await bouncer("session"), role));
  expect(await settingsOf(pool)).toEqual(RIGHT);
  const client = await pool.connect();
  for (let query = 0; query < 3; query++)
    await client.query({ name: "prepared", text: "SELECT $1::integer", values: [query] });
  client.release();
  expect(unfit).toEqual([]);
});

test.each([
  ["transaction", {}],
  ["transaction", { server_round_robin: "1", min_pool_size: "5" }],
  ["statement", {}],
] as const)("uses no session through pgbouncer in %s mode (%o)", async (poolMode, settings) => {
  const { pool, verified, unfit } = poolOf(urlWith(await bouncer(poolMode, settings), role));
  // with other clients at the same time
  const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => pool.query("SELECT 1")));
  for (const attempt of attempts)
    expect(attempt).toMatchObject({ status: "rejected", reason: expect.any(UnfitSession) });
  expect(unfit[0]?.message).toBe(
    "DATABASE_URL: the pooler is in transaction or statement mode, where clients share session settings and " +
      "locks; expected session mode (pgbouncer: pool_mode = session) or PostgreSQL itself",
  );
  expect(verified).toEqual([]);
});

test("uses no more sessions of a pooler that changes to transaction mode, and reports it once", async () => {
  const url = await bouncer("session", { admin_users: "postgres" });
  const console = new URL(url);
  console.pathname = "pgbouncer";
  console.username = "postgres";
  const control = new pg.Client({ connectionString: console.href });
  await control.connect();
  onTestFinished(() => control.end());
  const { pool, unfit } = poolOf(urlWith(url, role));
  const first = await pool.connect();
  first.release(true);
  await control.query("SET pool_mode = 'transaction'");
  for (let attempt = 0; attempt < 3; attempt++)
    await expect(pool.connect()).rejects.toBeInstanceOf(UnfitSession);
  expect(unfit).toHaveLength(1);
  await control.query("SET pool_mode = 'session'");
  expect(await settingsOf(pool)).toEqual(RIGHT);
});

test("fails the statement, not the program, when a connection breaks in use", async () => {
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", onUncaught);
  onTestFinished(() => void process.off("uncaughtException", onUncaught));
  const { pool } = poolOf(databaseUrl);
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  // not by `once`, which also listens for errors
  const ended = new Promise<void>((resolve) => client.on("end", resolve));
  const running = expect(client.query("SELECT pg_sleep(60)")).rejects.toThrow(/terminating connection/);
  await pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
  await running;
  await ended;
  client.release(true);
  expect(uncaught).toEqual([]);
  expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});
