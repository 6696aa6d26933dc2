/**
 * Every connection of every program to PostgreSQL has the settings that promises depend on, although its role has
 * others. The server itself reports them: a policy on each table logs the settings of the session that uses it.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { countedAt, listeningAt, order } from "./api-process.ts";
import { freshName, type Program, poolOn, startProgram, until } from "./fresh.ts";

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

const closers: (() => Promise<unknown> | unknown)[] = [];
afterAll(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

let env: Record<string, string>;
let logFile: string;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-settings-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const [postgres, board, stream] = await Promise.all([
    startPostgres({ dataDir: folder, durable: false }),
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
  ]);
  for (const server of [postgres, board, stream]) closers.push(() => server.stop());
  logFile = join(folder, "server.log");
  const admin = poolOn(postgres.url, 1);
  await admin.query("CREATE ROLE careless LOGIN");
  for (const [name, value] of Object.entries(WRONG))
    await admin.query(`ALTER ROLE careless SET ${name} = ${value}`);
  await admin.query("CREATE DATABASE shop OWNER careless");
  await admin.end();
  const topic = freshName("orders");
  env = {
    DATABASE_URL: postgres.url.replace("postgres@", "careless@").replace(/postgres$/, "shop"),
    BOARD_REDIS_URL: board.url,
    STREAM_REDIS_URL: stream.url,
    KAFKA_BROKERS: inject("kafkaBrokers"),
    V3_TOPIC: topic,
    V3_GROUP: topic,
  };
});

const start = (file: string, more: Record<string, string>, args: readonly string[] = []): Program => {
  const program = startProgram(file, { ...env, ...more }, args);
  closers.push(() => program.kill("SIGTERM"));
  return program;
};
const finished = async (file: string, args: readonly string[] = []): Promise<void> => {
  const program = start(file, {}, args);
  expect(await program.ended, program.output()).toBe(0);
};
/** By program, each different set of settings that the server saw. */
const seen = (): Record<string, string[]> => {
  const found = new Map<string, Set<string>>();
  for (const [, program = "", settings = ""] of readFileSync(logFile, "utf8").matchAll(
    /settings of <([^>]*)>: <([^>]*)>/g,
  ))
    found.set(program, (found.get(program) ?? new Set()).add(settings));
  return Object.fromEntries([...found].map(([program, settings]) => [program, [...settings]]));
};

test("every program's sessions have them, whatever the role's defaults are", async () => {
  await finished("db/main.ts");
  const pool = poolOn(env["DATABASE_URL"] ?? "", 1);
  closers.push(() => pool.end());
  // a policy is asked of rows alone
  await pool.query(`INSERT INTO dead_letters (source, origin, index, payload, payload_sha256, reason, detail)
    VALUES ('v2', '1-0', 0, '', '', 'malformed', 'for the list')`);
  await pool.query(WATCH);
  const modes = ["v1", "v2", "v3"];
  const enabled = Object.fromEntries(modes.map((mode) => [`${mode.toUpperCase()}_ENABLED`, "true"]));
  const url = await listeningAt(start("services/order-api/main.ts", { PORT: "0", ...enabled }));
  for (const mode of modes)
    start("services/worker/main.ts", { MODE: mode, METRICS_PORT: "0", RECONCILE_EVERY_MS: "200" });
  for (const mode of modes) await until(`${mode} takes an order`, async () => (await order(url, mode)).ok);
  await until("all are counted", async () => {
    const counted = await countedAt(url);
    return modes.every((mode) => (counted[mode] ?? 0) > 0);
  });
  await fetch(`${url}/api/sales?bucket=day`);
  await finished("services/operator/main.ts", ["reconcile"]);
  await finished("services/operator/main.ts", ["dead-letters", "list"]);
  await finished("services/operator/main.ts", ["retention"]);
  await finished("db/main.ts");
  const writers = ["coffee-v1-intake", ...modes.map((mode) => `coffee-worker-${mode}`)];
  const readers = [
    "coffee-api-reader",
    ...modes.map((mode) => `coffee-sampler-${mode}`),
    "coffee-reconcile",
    "coffee-dead-letters",
    "coffee-retention",
    "coffee-migrations",
  ];
  const expected = [...writers, ...readers].sort();
  const programs = Object.entries(seen()).filter(([program]) => program !== "coffee-test");
  // nothing ends a migration that pauses between two statements
  const rightOf = (program: string): string =>
    program === "coffee-migrations" ? RIGHT.replace("|2s|", "|0|") : RIGHT;
  expect(programs.sort()).toEqual(expected.map((program) => [program, [rightOf(program)]]));
  // those that touch no table are known too
  const { rows } = await pool.query<{ name: string }>(
    "SELECT DISTINCT application_name AS name FROM pg_stat_activity WHERE datname = 'shop'",
  );
  const known = [...expected, "coffee-v2-lease", "coffee-test"];
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
}, 120_000);
