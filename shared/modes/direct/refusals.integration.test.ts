/** What v1 answers when PostgreSQL fails: refused for sure, or perhaps stored. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freshDatabase, freshName, poolOn, silent, someOrders, until } from "../../../test/fresh.ts";
import { type Intake, Unavailable } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import type { Pool } from "../../store/pool.ts";
import { openDirectIntake } from "./intake.ts";
import { type DirectSettings, directKnobs } from "./mode.ts";

let admin: Pool;
let intake: Intake;
let database: string;
let role: string;
beforeEach(async () => {
  const databaseUrl = await freshDatabase();
  admin = poolOn(databaseUrl, 2);
  database = new URL(databaseUrl).pathname.slice(1);
  role = freshName("writer");
  await admin.query(
    `CREATE ROLE ${role} LOGIN; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO ${role}`,
  );
  const url = new URL(databaseUrl);
  url.username = role;
  const variables = { DATABASE_URL: url.href, BOARD_REDIS_URL: "redis://127.0.0.1:1" };
  intake = openDirectIntake(loadSettings(directKnobs, variables) as DirectSettings, silent);
});
afterEach(async () => {
  await intake.close();
  await admin.end();
});

const reasonOf = async (): Promise<string> => {
  const outcomes = await intake.accept(someOrders(1));
  const [outcome] = outcomes;
  return outcome instanceof Unavailable
    ? outcome.reason
    : outcome instanceof Error
      ? outcome.message
      : "taken";
};
const endSessions = (): Promise<unknown> =>
  admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = $2",
    ["coffee-v1-intake", database],
  );
const stored = async (): Promise<number> =>
  Number((await admin.query("SELECT count(*) AS n FROM orders")).rows[0]?.n);

const REFUSALS: readonly (readonly [
  what: string,
  how: () => Promise<unknown>,
  back: () => Promise<unknown>,
])[] = [
  [
    "is read-only",
    async () => {
      await admin.query(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
      await endSessions();
    },
    () => admin.query(`SET default_transaction_read_only = off; ALTER DATABASE ${database} RESET ALL`),
  ],
  [
    "has too many connections",
    async () => {
      await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
      await endSessions();
    },
    () => admin.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`),
  ],
  [
    "lacks the table",
    () => admin.query("ALTER TABLE orders RENAME TO orders_away"),
    () => admin.query("ALTER TABLE orders_away RENAME TO orders"),
  ],
  [
    "does not give the right",
    () => admin.query(`REVOKE INSERT ON orders FROM ${role}`),
    () => admin.query(`GRANT INSERT ON orders TO ${role}`),
  ],
  [
    "does not let the role in",
    async () => {
      await admin.query(`ALTER ROLE ${role} NOLOGIN`);
      await endSessions();
    },
    () => admin.query(`ALTER ROLE ${role} LOGIN`),
  ],
];

test.each(REFUSALS)(
  "when PostgreSQL %s orders and probes are refused for sure, until it is right again",
  async (_, how, back) => {
    await until("it takes orders", async () => (await reasonOf()) === "taken");
    await intake.probe();
    const before = await stored();
    await how();
    // a session that was ended in use may have stored its order
    await until("it is refused", async () => (await reasonOf()) === "backend_away");
    for (let order = 0; order < 3; order++) expect(await reasonOf()).toBe("backend_away");
    await expect(intake.probe()).rejects.toThrow();
    await back();
    await intake.probe();
    expect(await reasonOf()).toBe("taken");
    expect(await stored()).toBe(before + 1);
  },
);

test("an order whose statement PostgreSQL cancels at its time is refused for sure", async () => {
  await until("it takes orders", async () => (await reasonOf()) === "taken");
  const holder = await admin.connect();
  await holder.query(
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE orders IN EXCLUSIVE MODE",
  );
  // on a busy machine the client may give up first, and does not know then
  await until("PostgreSQL cancels one", async () => (await reasonOf()) === "backend_away");
  await holder.query("ROLLBACK");
  holder.release();
  expect(await stored()).toBe(1);
});

test("a session that is ended while it stores an order leaves open whether it is stored", async () => {
  await admin.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION dawdle()`);
  const answered = reasonOf();
  await until("it is being stored", async () => {
    const { rows } = await admin.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'coffee-v1-intake' AND datname = $1 AND wait_event = 'PgSleep'",
      [database],
    );
    return rows.length > 0;
  });
  await sleep(10);
  await endSessions();
  expect(await answered).toBe("outcome_unknown");
});

test("the settings that a reply depends on are reported as they were read back", async () => {
  await until("it takes orders", async () => (await reasonOf()) === "taken");
  expect(intake.verified()).toEqual({ synchronous_commit: "on", fsync: "off", full_page_writes: "off" });
});
