/** npm start -- --observe on a small system: Prometheus scrapes every target and evaluates the rules. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../test/fresh.ts";
import { type System, startSystem } from "../system/launcher.ts";
import {
  failedTargets,
  firingAlerts,
  type Prometheus,
  startPrometheus,
  valuesOf,
  withoutData,
} from "./prometheus.ts";

const lines: string[] = [];
const log = (line: string): void => void lines.push(line);
let system: System;
let prometheus: Prometheus;

beforeAll(async () => {
  system = await startSystem({ modes: ["v1"], env: { LOG_LEVEL: "warn" }, onLine: log });
  prometheus = await startPrometheus({
    system,
    agent: null,
    dataDir: join(system.folder, "observe"),
    scrapeMs: 500,
    log,
  });
  // the packages may have to be installed first
});
afterAll(async () => {
  await prometheus?.close();
  await system?.stop();
});

test("Prometheus scrapes every program and every server", async () => {
  expect(prometheus.targets.map(({ job }) => job)).toEqual([
    "order-api",
    "worker",
    "postgres",
    "redis",
    "node",
  ]);
  await until("every target is up", async () =>
    (await valuesOf(prometheus.url, "up")).every((up) => up === 1),
  );
  expect(await failedTargets(prometheus.url)).toEqual([]);
  // a target is up before its metrics can be queried
  for (const server of ["pg_up", "redis_up"])
    await until(`${server} is 1`, async () => (await valuesOf(prometheus.url, server)).join() === "1");
});

test("rules are recorded, a missing metric is reported, and no alert fires", async () => {
  const recorded = { by: "rule", expr: "mode:coffee_ingest_lag_orders:max" };
  const missing = { by: "test", expr: "coffee_no_such_metric" };
  await until(
    "the lag is recorded",
    async () => (await withoutData(prometheus.url, [recorded])).length === 0,
  );
  expect(await withoutData(prometheus.url, [recorded, missing])).toEqual([missing]);
  expect(
    (await firingAlerts(prometheus.url)).filter(({ alertname }) => alertname !== "CoffeeDiskFilling"),
  ).toEqual([]);
});

test("an invalid query fails with the error of Prometheus", async () => {
  await expect(valuesOf(prometheus.url, "sum(")).rejects.toThrow(/parse error.*sum\(/);
});
