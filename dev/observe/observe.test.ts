/** What npm start -- --observe adds, on a small system: every page is read, and the rules answer. */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { type System, startSystem } from "../system/launcher.ts";
import { type Observed, observe } from "./observe.ts";
import { firing, unanswered, unreadPages, valuesOf } from "./queries.ts";

const lines: string[] = [];
const log = (line: string): void => void lines.push(line);
let dataDir: string;
let system: System;
let observed: Observed;

beforeAll(async () => {
  dataDir = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-observe-"));
  // as root the servers run as somebody else, who has to get there
  chmodSync(dataDir, 0o755);
  system = await startSystem({ modes: ["v1"], dataDir, env: { LOG_LEVEL: "warn" }, onLine: log });
  observed = await observe({ system, agent: null, dataDir: join(dataDir, "observe"), scrapeMs: 500, log });
  // the packages may have to be fetched first
}, 300_000);
afterAll(async () => {
  await observed?.close();
  await system?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

test("every program and every server has a page, and Prometheus reads them all", async () => {
  expect(observed.targets.map(({ job }) => job)).toEqual([
    "order-api",
    "worker",
    "postgres",
    "redis",
    "node",
  ]);
  await until("every page is read", async () => (await valuesOf(observed.url, "up")).every((up) => up === 1));
  expect(await unreadPages(observed.url)).toEqual([]);
  // a page is read before what was on it can be asked for
  for (const server of ["pg_up", "redis_up"])
    await until(`${server} is 1`, async () => (await valuesOf(observed.url, server)).join() === "1");
});

test("rules are recorded, what is asked for and not there is told, and nothing is alarmed about", async () => {
  const recorded = { by: "rule", expr: "mode:coffee_ingest_lag_orders:max" };
  const missing = { by: "nobody", expr: "coffee_no_such_metric" };
  await until("the lag is recorded", async () => (await unanswered(observed.url, [recorded])).length === 0);
  expect(await unanswered(observed.url, [recorded, missing])).toEqual([missing]);
  expect((await firing(observed.url)).filter(({ alertname }) => alertname !== "CoffeeDiskFilling")).toEqual(
    [],
  );
});

test("a query that Prometheus cannot read is told with its reason", async () => {
  await expect(valuesOf(observed.url, "sum(")).rejects.toThrow(/parse error.*sum\(/);
});
