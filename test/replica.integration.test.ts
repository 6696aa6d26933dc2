/** DATABASE_URL is a read replica: what has to write does not start, and what only reads does. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../db/migrate.ts";
import { temporaryFolder } from "../dev/system/launcher.ts";
import { giveToServerUser } from "../dev/system/servers/data-dir.ts";
import { startPostgres } from "../dev/system/servers/postgres.ts";
import { closeAll, freshServers, type Servers, until, variablesOf } from "./fresh.ts";
import { API, MIGRATIONS, openProcesses, WORKER } from "./processes.ts";

const closers = openClosers();
afterAll(() => closeAll(closers));

let servers: Servers;
beforeAll(async () => {
  const dataDir = temporaryFolder("coffee-rt-replica-", closers);
  const postgres = await startPostgres({ dataDir, durable: false });
  closers.add("postgres", () => postgres.stop());
  await migrate(postgres.url, () => undefined);
  await postgres.stop();
  // a replica that has received everything and waits for more
  const signal = join(dataDir, "data", "standby.signal");
  writeFileSync(signal, "");
  giveToServerUser(signal);
  await postgres.start();
  servers = await freshServers(closers, postgres.url);
});

const REPLICA =
  "DATABASE_URL: the server is a read replica, which takes no changes; expected the address of the primary";

test.each<[string, Record<string, string>]>([
  [API, { V1_ENABLED: "true", V2_ENABLED: "true" }],
  [WORKER, { MODE: "v1" }],
  [WORKER, { MODE: "v2" }],
  [MIGRATIONS, {}],
])("%s %o exits with 1 and a sentence", async (file, settings) => {
  const program = openProcesses(variablesOf(servers), closers).start(file, settings);
  expect(await program.ended, program.output()).toBe(1);
  expect(program.output()).toContain(REPLICA);
});

test("an API that writes to no database serves sales from it", async () => {
  const { startApi } = openProcesses(variablesOf(servers), closers);
  const api = await startApi(["v2"]);
  await until("sales are read", async () => (await fetch(`${api.url}/api/sales`)).ok);
  expect(api.process.exitCode, api.output()).toBeNull();
});
