/**
 * Every connection of every program to PostgreSQL has the settings that promises depend on, although its role has
 * others. The server itself reports them: a policy on each table logs the settings of the session that uses it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { temporaryFolder } from "../dev/system/launcher.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { closeAll, freshServers, poolForTest, poolOn, variablesOf } from "./fresh.ts";
import { MIGRATIONS, OPERATOR, openProcesses, type Processes, untilCounted } from "./processes.ts";

const WRONG = {
  synchronous_commit: "off",
  idle_in_transaction_session_timeout: "0",
  default_transaction_isolation: "'repeatable read'",
  bytea_output: "'escape'",
  DateStyle: "'SQL, DMY'",
};
const RIGHT = "on|2s|read committed|hex|ISO, MDY";
const NAMES = Object.keys(WRONG);

const WATCH = `
CREATE FUNCTION watch_settings() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  RAISE LOG 'settings of <%>: <%>', current_setting('application_name'),
    concat_ws('|', ${NAMES.map((name) => `current_setting('${name}')`).join(", ")});
  RETURN true;
END $$;
DO $$ DECLARE watched regclass; BEGIN
  FOR watched IN SELECT oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', watched);
    EXECUTE format('CREATE POLICY watch ON %s USING (watch_settings()) WITH CHECK (watch_settings())', watched);
  END LOOP;
END $$`;

const closers = openClosers();
afterAll(() => closeAll(closers));

/** A PostgreSQL with the log of its sessions, and programs that connect as a role with the wrong defaults. */
const openSystem = async (): Promise<Processes & { logFile: string }> => {
  const folder = temporaryFolder("coffee-rt-settings-", closers);
  const postgres = await startPostgres({ dataDir: folder, durable: false });
  closers.add("postgres", () => postgres.stop());
  const admin = poolOn(postgres.url, 1);
  await admin.query("CREATE ROLE careless LOGIN");
  for (const [name, value] of Object.entries(WRONG))
    await admin.query(`ALTER ROLE careless SET ${name} = ${value}`);
  await admin.query("CREATE DATABASE shop OWNER careless");
  await admin.end();
  const databaseUrl = postgres.url.replace("postgres@", "careless@").replace(/postgres$/, "shop");
  const env = variablesOf(await freshServers(closers, databaseUrl));
  return { ...openProcesses(env, closers), logFile: join(folder, "server.log") };
};

/** The settings that the server logged, by program. */
const settingsIn = (log: string): Record<string, string[]> => {
  const found = new Map<string, Set<string>>();
  for (const [, program = "", settings = ""] of log.matchAll(/settings of <([^>]*)>: <([^>]*)>/g))
    found.set(program, (found.get(program) ?? new Set()).add(settings));
  return Object.fromEntries([...found].map(([program, settings]) => [program, [...settings]]));
};

test("every session of every program has the right settings, also with other defaults of its role", async () => {
  const { env, logFile, start, startApi, startWorker } = await openSystem();
  const finished = async (file: string, args: readonly string[] = []): Promise<void> => {
    const program = start(file, {}, args);
    expect(await program.ended, program.output()).toBe(0);
  };
  await finished(MIGRATIONS);
  const pool = poolForTest(env["DATABASE_URL"] ?? "", 1);
  // a policy is evaluated for rows only
  await pool.query(`INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail)
    VALUES ('v2', '1-0', 0, '', '', 'malformed', 'for the list')`);
  await pool.query(WATCH);
  const names = modes.map(({ name }) => name);
  for (const mode of names) startWorker(mode, { RECONCILE_EVERY_MS: "200" });
  const { url } = await startApi(names);
  await untilCounted(url, names);
  await fetch(`${url}/api/sales?bucket=day`);
  await finished(OPERATOR, ["reconcile"]);
  await finished(OPERATOR, ["dead-letters", "list"]);
  await finished(OPERATOR, ["retention"]);
  await finished(MIGRATIONS);
  const writers = ["coffee-v1-intake", ...names.map((mode) => `coffee-worker-${mode}`)];
  const readers = [
    "coffee-api-reader",
    ...names.map((mode) => `coffee-sampler-${mode}`),
    "coffee-reconcile",
    "coffee-dead-letters",
    "coffee-retention",
    "coffee-migrations",
  ];
  const expected = [...writers, ...readers].sort();
  const programs = Object.entries(settingsIn(readFileSync(logFile, "utf8"))).filter(
    ([program]) => program !== "coffee-test",
  );
  // a migration may pause between two statements
  const rightOf = (program: string): string =>
    program === "coffee-migrations" ? RIGHT.replace("|2s|", "|0|") : RIGHT;
  expect(programs.sort()).toEqual(expected.map((program) => [program, [rightOf(program)]]));
  // sessions that use no table are known too
  const { rows } = await pool.query<{ name: string }>(
    "SELECT DISTINCT application_name AS name FROM pg_stat_activity WHERE datname = 'shop'",
  );
  const known = [...expected, "coffee-v2-lease", "coffee-test"];
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
});
