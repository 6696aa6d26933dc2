/** The migrations program, as compose runs it before anything else. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { freePort } from "../dev/system/servers/ports.ts";
import { freshDatabase, poolOn } from "../test/fresh.ts";

const run = promisify(execFile);
const migrations = (env: Record<string, string>) =>
  run(process.execPath, [join(import.meta.dirname, "main.ts")], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });

test("brings an empty database to the newest schema, also when several run at once and again", async () => {
  const databaseUrl = await freshDatabase(inject("postgresUrl"), "template0");
  const env = { DATABASE_URL: databaseUrl };
  await Promise.all([migrations(env), migrations(env), migrations(env)]);
  const { stdout } = await migrations(env);
  expect(stdout).toContain("the database has the newest schema");
  const pool = poolOn(databaseUrl);
  const { rows } = await pool.query(
    "SELECT count(*)::int AS partitions FROM pg_inherits WHERE inhparent = 'orders'::regclass",
  );
  await pool.end();
  // weeks that have begun and weeks to come, and the default
  expect(rows[0].partitions).toBeGreaterThan(10);
});

test("waits for a database that is not there, but not for ever", async () => {
  const nowhere = `postgres://coffee@127.0.0.1:${await freePort()}/coffee`;
  const ended = migrations({ DATABASE_URL: nowhere, WAIT_FOR_DATABASE_MS: "500" });
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/waiting for the database.*could not be migrated: .*ECONNREFUSED/s),
  });
});

test("does not wait where waiting does not help", async () => {
  const unknown = new URL(inject("postgresUrl"));
  unknown.pathname = "no_such_database";
  const ended = migrations({ DATABASE_URL: unknown.href });
  await expect(ended).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("does not exist") });
});

test("names a wrong setting", async () => {
  await expect(migrations({ DATABASE_URL: "mysql://x" })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('DATABASE_URL is "mysql://x"'),
  });
});
