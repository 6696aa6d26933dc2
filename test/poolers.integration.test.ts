/** The whole system behind pgbouncer: in session mode all of it works; in transaction mode every program refuses. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPgbouncer } from "../dev/system/servers/pgbouncer.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import { countedAt, listeningAt, order } from "./api-process.ts";
import { freshDatabase, type Program, startProgram, until } from "./fresh.ts";

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

let redis: Record<string, string>;
beforeAll(async () => {
  const [board, stream] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
  ]);
  closers.push(
    () => board.stop(),
    () => stream.stop(),
  );
  redis = { BOARD_REDIS_URL: board.url, STREAM_REDIS_URL: stream.url };
});

/** The URL of a database without tables, through pgbouncer. */
const emptyDatabaseBehind = async (poolMode: "session" | "transaction"): Promise<string> => {
  const url = new URL(await freshDatabase(undefined, "template1"));
  const bouncer = await startPgbouncer({ postgresPort: Number(url.port), poolMode });
  closers.push(() => bouncer.stop());
  url.port = String(bouncer.port);
  return url.href;
};

const start = (file: string, settings: Record<string, string>, args: readonly string[] = []): Program => {
  const program = startProgram(file, { ...redis, ...settings }, args);
  closers.push(() => program.kill("SIGTERM"));
  return program;
};

const MODES = ["v1", "v2"];
const API = { PORT: "0", V1_ENABLED: "true", V2_ENABLED: "true" };

test("in session mode, with pgbouncer's own defaults, the system migrates, takes orders and counts them", async () => {
  const DATABASE_URL = await emptyDatabaseBehind("session");
  const migrations = start("db/main.ts", { DATABASE_URL });
  expect(await migrations.ended, migrations.output()).toBe(0);
  const url = await listeningAt(start("services/order-api/main.ts", { ...API, DATABASE_URL }));
  for (const MODE of MODES) start("services/worker/main.ts", { MODE, METRICS_PORT: "0", DATABASE_URL });
  for (const mode of MODES) await until(`${mode} takes an order`, async () => (await order(url, mode)).ok);
  await until("both are counted", async () => {
    const counted = await countedAt(url);
    return MODES.every((mode) => (counted[mode] ?? 0) > 0);
  });
  const reconcile = start("services/operator/main.ts", { DATABASE_URL }, ["reconcile"]);
  expect(await reconcile.ended, reconcile.output()).toBe(0);
}, 120_000);

test.each([
  ["db/main.ts", {}, []],
  ["services/order-api/main.ts", API, []],
  ["services/order-api/main.ts", { PORT: "0", V2_ENABLED: "true" }, []],
  ["services/worker/main.ts", { MODE: "v1", METRICS_PORT: "0" }, []],
  ["services/worker/main.ts", { MODE: "v2", METRICS_PORT: "0" }, []],
  ["services/operator/main.ts", {}, ["reconcile"]],
])(
  "in transaction mode %s %o stops at start with a sentence",
  async (file, settings, args) => {
    const DATABASE_URL = await emptyDatabaseBehind("transaction");
    const program = start(file, { ...settings, DATABASE_URL }, args);
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain("DATABASE_URL: the pooler is in transaction or statement mode");
    expect(program.output()).toContain("pgbouncer: pool_mode = session");
  },
  60_000,
);
