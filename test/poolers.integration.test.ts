/** The programs behind pgbouncer: in session mode all of them work, in transaction mode every one refuses to start. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { startPgbouncer } from "../dev/system/servers/pgbouncer.ts";
import { closeAll, freshDatabase, freshServers, type Servers, variablesOf } from "./fresh.ts";
import { API, MIGRATIONS, OPERATOR, openProcesses, untilCounted, WORKER } from "./processes.ts";

const closers = openClosers();
afterAll(() => closeAll(closers));

let servers: Servers;
const databases = { session: "", transaction: "" };
beforeAll(async () => {
  servers = await freshServers(closers, await freshDatabase(undefined, "template1"));
  for (const poolMode of ["session", "transaction"] as const) {
    const url = new URL(servers.databaseUrl);
    const pgbouncer = await startPgbouncer({ postgresPort: Number(url.port), poolMode });
    closers.add(pgbouncer.name, () => pgbouncer.stop());
    url.port = String(pgbouncer.port);
    databases[poolMode] = url.href;
  }
});

/** Programs that reach the database, which has no tables at first, through pgbouncer. */
const processesBehind = (poolMode: keyof typeof databases) =>
  openProcesses({ ...variablesOf(servers), DATABASE_URL: databases[poolMode] }, closers);

test.concurrent.each<[string, Record<string, string>, string[]]>([
  [MIGRATIONS, {}, []],
  [API, { V1_ENABLED: "true", V2_ENABLED: "true" }, []],
  [API, { V2_ENABLED: "true" }, []],
  [WORKER, { MODE: "v1" }, []],
  [WORKER, { MODE: "v2" }, []],
  [OPERATOR, {}, ["reconcile"]],
])("in transaction mode %s %o exits with 1 and names the setting", async (file, settings, args) => {
  const program = processesBehind("transaction").start(file, settings, args);
  expect(await program.ended).toBe(1);
  expect(program.output()).toContain("DATABASE_URL: the pooler is in transaction or statement mode");
  expect(program.output()).toContain("pgbouncer: pool_mode = session");
});

test.each<[string, Record<string, string>]>([
  [MIGRATIONS, {}],
  [API, { V2_ENABLED: "true" }],
  [WORKER, { MODE: "v2" }],
])(
  "in session mode %s exits with 1 when the URL has a parameter that pgbouncer rejects",
  async (file, settings) => {
    const url = `${databases.session}?options=-c%20search_path%3Dcoffee`;
    const program = processesBehind("session").start(file, { ...settings, DATABASE_URL: url });
    expect(await program.ended).toBe(1);
    expect(program.output()).toContain("DATABASE_URL: the pooler rejects a parameter of the URL");
  },
);

test("in session mode, with pgbouncer's own defaults, the system migrates, accepts orders and counts them", async () => {
  const { start, startApi, startWorker } = processesBehind("session");
  const migrations = start(MIGRATIONS);
  expect(await migrations.ended, migrations.output()).toBe(0);
  for (const mode of ["v1", "v2"]) startWorker(mode);
  const { url } = await startApi(["v1", "v2"]);
  await untilCounted(url, ["v1", "v2"]);
  const reconcile = start(OPERATOR, {}, ["reconcile"]);
  expect(await reconcile.ended, reconcile.output()).toBe(0);
});
