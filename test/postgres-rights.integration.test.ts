/** The rights that docs/deployment.md grants are enough, and each of them is needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseRestored } from "#shared/modes/direct/count-stored.ts";
import { findOrders, storeOrders, uncounted } from "#shared/modes/direct/stored-orders.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { addNames, readAdditions } from "#shared/store/catalogue-additions.ts";
import { openLetters } from "#shared/store/dead-letters.ts";
import { findOrderStatus } from "#shared/store/order-status.ts";
import type { Pool } from "#shared/store/pool.ts";
import { readSales, type SalesQuery } from "#shared/store/sales.ts";
import { oldestWriterSeconds } from "#shared/store/transaction.ts";
import { encodeOrders } from "#shared/wire/order-message.ts";
import { numberOf } from "../dev/system/database.ts";
import { startServers } from "../dev/system/servers/start.ts";
import { closeAll, poolOn, someOrders, until } from "./fresh.ts";
import { MIGRATIONS, OPERATOR, openProcesses, startProgram } from "./processes.ts";
import { countedAt, getJson, postOrder, statusOf } from "./requests.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../docs/deployment.md"), "utf8");
const DATABASE = "coffee";
const DAY_MS = 86_400_000;

/** The SQL blocks of the section, as statements. */
const [asAdmin = [], asOwner = [], optional = []] = [
  ...(/## PostgreSQL roles\n(.*?)\n## /s.exec(PAGE)?.[1] ?? "").matchAll(/```sql\n(.*?)```/gs),
].map(([, block = ""]) =>
  block
    .split(";\n")
    .map((statement) => statement.replace(/\s+/g, " "))
    .filter((statement) => statement !== ""),
);
const passwordOf = (role: string): string =>
  new RegExp(`CREATE ROLE ${role} LOGIN PASSWORD '(.*?)'`).exec(asAdmin.join("\n"))?.[1] ?? "";

const closers = openClosers();
afterAll(() => closeAll(closers));
let servers: Record<"postgres" | "board" | "stream", { url: string; stop(): Promise<void> }>;
let admin: Pool;
let owner: Pool;
let api: Pool;
let ownerUrl: string;
let apiUrl: string;

const urlAs = (role?: string): string => {
  const url = new URL(servers.postgres.url);
  url.pathname = DATABASE;
  if (role !== undefined) [url.username, url.password] = [role, passwordOf(role)];
  return url.href;
};
const open = (url: string): Pool => {
  const pool = poolOn(url);
  closers.add("pool", () => pool.end());
  return pool;
};

/** PUBLIC keeps only the catalog, so that rights that the section does not grant are missing. */
const HARDENED = [
  `REVOKE ALL ON DATABASE ${DATABASE} FROM PUBLIC`,
  "REVOKE ALL ON SCHEMA public FROM PUBLIC",
  "REVOKE ALL ON FUNCTION pg_control_system() FROM PUBLIC",
];

const settings = (databaseUrl: string): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  BOARD_REDIS_URL: servers.board.url,
  STREAM_REDIS_URL: servers.stream.url,
  V1_TICK_MS: "200",
});
/** Runs it as coffee_owner, and returns its output. */
const run = async (file: string, ...args: readonly string[]): Promise<string> => {
  const program = startProgram(file, settings(ownerUrl), args);
  expect(await program.ended, program.output()).toBe(0);
  return program.output();
};

beforeAll(async () => {
  const started = await startServers({ postgres: { durable: false }, board: {}, stream: {} });
  servers = started as typeof servers;
  for (const server of Object.values(servers)) closers.add("server", () => server.stop());
  const postgres = new pg.Client({ connectionString: servers.postgres.url });
  await postgres.connect();
  await postgres.query(`CREATE DATABASE ${DATABASE}`);
  await postgres.end();
  admin = open(urlAs());
  for (const statement of [...HARDENED, ...asAdmin]) await admin.query(statement);
  [ownerUrl, apiUrl] = [urlAs("coffee_owner"), urlAs("coffee_api")];
  await run(MIGRATIONS);
  [owner, api] = [open(ownerUrl), open(apiUrl)];
  for (const statement of asOwner) await owner.query(statement);
});

test("the API as coffee_api accepts and shows orders that workers count as coffee_owner", async () => {
  const { startApi, startWorker } = openProcesses(settings(ownerUrl), closers);
  for (const mode of ["v1", "v2"]) startWorker(mode);
  const api = await startApi(["v1", "v2"], { DATABASE_URL: apiUrl });
  for (const mode of ["v1", "v2"]) {
    let reply = await postOrder(api.url, mode);
    await until(`${mode} accepts an order`, async () => {
      if (!reply.ok) reply = await postOrder(api.url, mode);
      return reply.ok;
    });
    const { id } = (await reply.json()) as { id: string };
    await until(`${mode} has counted it`, async () => (await statusOf(api.url, id)).status === "counted");
    await until(`the dashboard shows ${mode}`, async () => ((await countedAt(api.url))[mode] ?? 0) > 0);
    const sales = await getJson<{ rows: unknown[] }>(`${api.url}/api/sales?bucket=hour&mode=${mode}`);
    expect(sales.rows).toHaveLength(1);
  }
  expect(api.output()).not.toContain("permission denied");
});

test("the operator's commands run as coffee_owner, and reconcile needs TEMPORARY", async () => {
  await owner.query("UPDATE rollup_minute SET orders = orders + 1");
  expect(await run(OPERATOR, "reconcile", "--repair")).toContain("Rebuilt");
  expect(await run(OPERATOR, "reconcile")).toContain("Equal");
  await run(OPERATOR, "retention");
  await run(OPERATOR, "dead-letters", "list");

  await owner.query("UPDATE rollup_minute SET orders = orders + 1");
  await admin.query(`REVOKE TEMPORARY ON DATABASE ${DATABASE} FROM coffee_owner`);
  const refused = startProgram(OPERATOR, settings(ownerUrl), ["reconcile", "--repair"]);
  expect(await refused.ended).not.toBe(0);
  expect(refused.output()).toContain(
    `permission denied to create temporary tables in database "${DATABASE}"`,
  );
  await admin.query(`GRANT TEMPORARY ON DATABASE ${DATABASE} TO coffee_owner`);
  await run(OPERATOR, "reconcile", "--repair");
});

test("the rights cover partitions that are created later", async () => {
  const soonMs = Date.now() + 100 * DAY_MS;
  await owner.query("SELECT ensure_order_partitions($1, $1)", [new Date(soonMs)]);
  const [later] = someOrders(1).map((each) => {
    const milliseconds = soonMs.toString(16).padStart(12, "0");
    return { ...each, id: `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}${each.id.slice(13)}` };
  });
  if (!later) throw new Error("no order was made");
  expect((await storeOrders(api, "v1", encodeOrders([later]))).ids).toBeNull();
  expect((await findOrders(api, [later.id])).size).toBe(1);
  const part = "SELECT count(*) FROM orders_default WHERE order_id = $1";
  expect(await numberOf(owner, part, [later.id])).toBe(0);
});

test("coffee_api can neither change nor delete what is stored", async () => {
  for (const statement of [
    "UPDATE orders SET price_cents = 1",
    "DELETE FROM orders",
    "TRUNCATE orders",
    "UPDATE meta SET epoch = epoch + 1",
    "INSERT INTO rollup_day SELECT * FROM rollup_day",
    "DELETE FROM dead_letters",
    "CREATE TABLE mine (id integer)",
  ])
    await expect(api.query(statement)).rejects.toThrow(/permission denied for (table|schema)/);
});

const salesOf = (bucket: SalesQuery["bucket"], byStore: boolean, byDrink: boolean): SalesQuery => ({
  bucket,
  byStore,
  byDrink,
  fromMs: Math.floor(Date.now() / DAY_MS) * DAY_MS,
  toMs: Math.ceil(Date.now() / DAY_MS) * DAY_MS,
  limit: 10,
});

/** Every statement of the API, on a session of its own. */
const useAll = async (): Promise<void> => {
  const pool = poolOn(apiUrl, 1);
  try {
    const client = await pool.connect();
    await refuseRestored(client).finally(() => client.release());
    const orders = someOrders(2);
    await storeOrders(pool, "v1", encodeOrders(orders));
    const [id = ""] = orders.map((each) => each.id);
    await findOrders(pool, [id]);
    await uncounted(pool, 10);
    await findOrderStatus(pool, id);
    for (const query of [
      salesOf("minute", false, false),
      salesOf("hour", true, true),
      salesOf("hour", true, false),
      salesOf("hour", false, true),
      salesOf("day", false, true),
    ])
      await readSales(pool, query);
    await openLetters(pool, ["v1"]);
    await addNames(pool, { stores: ["uptown"], drinks: [] }, { stores: 1, drinks: 1 });
    await readAdditions(pool, null);
  } finally {
    await pool.end();
  }
};

/** Each right of coffee_api, and the failure without it. */
const rights = [...asAdmin, ...asOwner].flatMap((statement) => {
  const [, privileges = "", kind = "", objects = ""] =
    /^GRANT ([A-Z, ]+) ON (DATABASE |SCHEMA |FUNCTION |)(.*) TO .*coffee_api$/.exec(statement) ?? [];
  return privileges === ""
    ? []
    : privileges.split(", ").flatMap((privilege) =>
        objects.split(", ").map((object) => ({
          right: `${privilege} ON ${kind}${object}`,
          // without USAGE the schema drops out of search_path, and PostgreSQL names the table alone
          failure:
            kind === "SCHEMA "
              ? "may not use schema"
              : `permission denied for ${kind.toLowerCase() || "table "}${kind === "DATABASE " ? `"${object}"` : object.replace(/^coffee\.|\(\)$/g, "")}`,
        })),
      );
});

test("the section names rights of coffee_api, and all of them together are enough", async () => {
  expect(rights.length).toBeGreaterThan(10);
  await useAll();
});

test.each(rights)("without $right the failure is: $failure", async ({ right, failure }) => {
  await admin.query(`REVOKE ${right} FROM coffee_api`);
  try {
    await expect(useAll()).rejects.toThrow(failure);
  } finally {
    await admin.query(`GRANT ${right} TO coffee_api`);
  }
});

test("pg_monitor is needed for the age of v1's watermark, and for nothing else", async () => {
  expect(await oldestWriterSeconds(api)).toBeNull();
  expect(optional).toHaveLength(1);
  for (const statement of optional) await admin.query(statement);
  expect(await oldestWriterSeconds(api)).toBeGreaterThanOrEqual(0);
});
