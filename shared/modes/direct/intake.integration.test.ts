/** What v1 replies and reports when PostgreSQL is slow or fails: rejected, or possibly stored. */
import { beforeEach, expect, test } from "vitest";
import { numberOf } from "../../../dev/system/database.ts";
import { freshDatabase, freshName, poolOn, silent, someOrders, until } from "../../../test/fresh.ts";
import { type Intake, Unavailable } from "../../ports.ts";
import { loadSettings } from "../../runtime/config.ts";
import type { Pool } from "../../store/pool.ts";
import { whileHeld } from "../../store/store.fixture.ts";
import { openDirectIntake } from "./intake.ts";
import { type DirectSettings, directKnobs } from "./mode.ts";

let admin: Pool;
let intake: Intake;
let database: string;
let role: string;
beforeEach(async () => {
  const databaseUrl = await freshDatabase();
  const [pool, url] = [poolOn(databaseUrl, 2), new URL(databaseUrl)];
  admin = pool;
  database = url.pathname.slice(1);
  role = freshName("writer");
  await admin.query(
    `CREATE ROLE ${role} LOGIN; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO ${role}`,
  );
  url.username = role;
  const variables = { DATABASE_URL: url.href, BOARD_REDIS_URL: "redis://127.0.0.1:1" };
  const opened = openDirectIntake(loadSettings(directKnobs, variables) as DirectSettings, silent);
  intake = opened;
  return async () => {
    await opened.close();
    await pool.end();
  };
});

const outcome = async (): Promise<string> => {
  const [first] = await intake.accept(someOrders(1));
  if (first instanceof Unavailable) return first.reason;
  return first instanceof Error ? first.message : "accepted";
};
const untilAccepted = () => until("it accepts orders", async () => (await outcome()) === "accepted");
const endSessions = (): Promise<unknown> =>
  admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = $2",
    ["coffee-v1-intake", database],
  );
const stored = () => numberOf(admin, "SELECT count(*) FROM orders");
const thenEndSessions = async (sql: string): Promise<void> => {
  await admin.query(sql);
  await endSessions();
};

const REJECTIONS: readonly (readonly [what: string, fail: () => Promise<unknown>, repair: () => string])[] = [
  [
    "is read-only",
    () => thenEndSessions(`ALTER DATABASE ${database} SET default_transaction_read_only = on`),
    () => `SET default_transaction_read_only = off; ALTER DATABASE ${database} RESET ALL`,
  ],
  [
    "has too many connections",
    () => thenEndSessions(`ALTER ROLE ${role} CONNECTION LIMIT 0`),
    () => `ALTER ROLE ${role} CONNECTION LIMIT -1`,
  ],
  [
    "has no table of orders",
    () => admin.query("ALTER TABLE orders RENAME TO renamed"),
    () => "ALTER TABLE renamed RENAME TO orders",
  ],
  [
    "does not grant the right",
    () => admin.query(`REVOKE INSERT ON orders FROM ${role}`),
    () => `GRANT INSERT ON orders TO ${role}`,
  ],
  [
    "does not let the role log in",
    () => thenEndSessions(`ALTER ROLE ${role} NOLOGIN`),
    () => `ALTER ROLE ${role} LOGIN`,
  ],
];

test.each(REJECTIONS)("rejects orders and probes while PostgreSQL %s", async (_, fail, repair) => {
  await untilAccepted();
  await intake.probe();
  const before = await stored();
  await fail();
  // a session that was ended in use may have stored its order
  await until("orders are rejected", async () => (await outcome()) === "backend_away");
  for (let order = 0; order < 3; order++) expect(await outcome()).toBe("backend_away");
  await expect(intake.probe()).rejects.toThrow();
  await admin.query(repair());
  await intake.probe();
  expect(await outcome()).toBe("accepted");
  expect(await stored()).toBe(before + 1);
});

test("rejects an order whose statement PostgreSQL cancels at its timeout", async () => {
  await untilAccepted();
  await whileHeld(admin, "LOCK TABLE orders IN EXCLUSIVE MODE", () =>
    // on a busy machine the client may give up first, and then the outcome is unknown
    until("PostgreSQL cancels one", async () => (await outcome()) === "backend_away"),
  );
  expect(await stored()).toBe(1);
});

test("reports an unknown outcome when the session ends while it stores an order", async () => {
  await admin.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION dawdle()`);
  const answered = outcome();
  const sleeping = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}' AND wait_event = 'PgSleep'`;
  await until("it is being stored", async () => (await numberOf(admin, sleeping)) > 0);
  await endSessions();
  expect(await answered).toBe("outcome_unknown");
});

test("reports the settings that a reply depends on, as they were read back", async () => {
  await untilAccepted();
  expect(intake.verified()).toEqual({ synchronous_commit: "on", fsync: "off", full_page_writes: "off" });
});

test("counts the backlog up to the given number", async () => {
  await untilAccepted();
  await intake.accept(someOrders(6));
  expect((await intake.backlog(100)).orders).toBe(7);
  expect((await intake.backlog(5)).orders).toBe(5);
});

test("reports a backlog that cannot be counted in time as the given number, with its age", async () => {
  await untilAccepted();
  /** When the statement that waits for the lock started; NaN when none waits. */
  const waitingSince = () =>
    numberOf(
      admin,
      "SELECT max(extract(epoch FROM query_start)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() HAVING count(*) = 1",
    );
  await whileHeld(admin, "LOCK TABLE meta IN ACCESS EXCLUSIVE MODE", async (holder) => {
    const asked = intake.backlog(1_000);
    await until("the count waits", async () => (await waitingSince()) > 0);
    const first = await waitingSince();
    await until("it was cancelled, and the age is read", async () => (await waitingSince()) > first);
    await holder.query("COMMIT");
    const { orders, oldestMs } = await asked;
    expect(orders).toBe(1_000);
    expect(oldestMs).toBeGreaterThan(1_300);
  });
});

test("rejects the backlog while PostgreSQL does not answer at all", () =>
  whileHeld(admin, "LOCK TABLE meta IN ACCESS EXCLUSIVE MODE", () =>
    expect(intake.backlog(1_000)).rejects.toThrow(/statement timeout/),
  ));
