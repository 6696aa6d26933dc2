/** The lean generator against the real system, held to the laboratory's own audit. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { catalogue, until } from "../../../test/fresh.ts";
import { type System, startSystem } from "../../../test/system.ts";
import { type Audit, audit, unaudited } from "../judge/audit.ts";
import { type Load, type Sent, send } from "./generator.ts";
import { claimOf, type Told, toldIn } from "./output.ts";

const PROBE_STORES = ["southend"];
const folder = mkdtempSync(join(tmpdir(), "coffee-rt-lean-"));
let system: System | undefined;
beforeEach(async () => {
  system = await startSystem({ modes: ["v1", "v2"] });
}, 120_000);
afterEach(() => system?.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numberOf = async (query: string): Promise<number> =>
  (await (system as System).pool.query<{ n: number }>(query)).rows[0]?.n ?? Number.NaN;
const stored = (): Promise<number> => numberOf("SELECT count(*)::int AS n FROM orders");
const counted = (): Promise<number> =>
  numberOf("SELECT coalesce(sum(orders), 0)::int AS n FROM rollup_minute");

type Run = { readonly sent: Sent; readonly told: Told; readonly found: Audit };

const sentTo = async (mode: string, more: Partial<Load>): Promise<Run> => {
  const { pool, url } = system as System;
  const load: Load = {
    generator: "lean",
    ...{ url, route: mode, profile: "constant", isPatient: false },
    ...{ requestsPerSecond: 100, ordersPerRequest: 1, warmUpSeconds: 1, seconds: 3, probesPerSecond: 0 },
    catalogue: {
      file: join(import.meta.dirname, "../../../services/order-api/catalogue.json"),
      probeStores: PROBE_STORES,
    },
    ...{ seed: 7, run: 1, runStartMs: Date.now() },
    ...more,
  };
  const sent = await send("", load, mkdtempSync(join(folder, "run-"))).ended;
  const told = toldIn(sent.lines, sent.summary);
  const { stores, drinks } = catalogue;
  const claim = claimOf(sent.summary, told.notAcknowledged, mode, {
    ...{ stores, drinks },
    probeStores: PROBE_STORES,
  });
  const { acknowledged } = unaudited(claim);
  await until("all that was acknowledged is stored and counted", async () => {
    const found = await stored();
    return found >= acknowledged && found === (await counted());
  });
  return { sent, told, found: await audit(pool, url, claim) };
};

test("each planned order is sent once, and told with its times", async () => {
  const { sent, told, found } = await sentTo("v2", { probesPerSecond: 2 });
  expect(found.problems).toEqual([]);
  expect(told.requests).toHaveLength(300);
  expect(told.dropped).toBe(0);
  const probes = sent.summary.scenarios.find(({ name }) => name === "probe")?.iterations ?? 0;
  expect(found.acknowledged).toBe(400 + probes - sent.summary.freshness.skipped);
  expect(told.visible.length).toBeGreaterThan(0);
  for (const [index, { plannedAtMs, lagMs, latencyMs }] of told.requests.entries()) {
    expect(plannedAtMs - told.startMs).toBeCloseTo(index * 10, 0);
    expect(latencyMs).toBeGreaterThanOrEqual(lagMs);
  }
}, 60_000);

test("batches on a slope are as many as the area under it", async () => {
  const { sent, told, found } = await sentTo("v2", {
    ...{ profile: "peak-2", requestsPerSecond: 20, ordersPerRequest: 10, seconds: 4 },
  });
  expect(found.problems).toEqual([]);
  // a second of calm, one of twice as much, two of calm; and the warm-up
  expect(told.requests.length).toBeGreaterThanOrEqual(99);
  expect(told.requests.length).toBeLessThanOrEqual(100);
  expect(found.acknowledged).toBe((sent.summary.scenarios[0]?.iterations ?? 0) * 10);
}, 60_000);

test("what has no reply in time is unknown, and the rest goes on", async () => {
  const lock = await (system as System).pool.connect();
  await lock.query("SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE");
  const freed = new Promise<void>((resolve) =>
    setTimeout(async () => {
      await lock.query("COMMIT");
      lock.release();
      resolve();
    }, 2_500),
  );
  const { told, found } = await sentTo("v1", { requestsPerSecond: 20, warmUpSeconds: 0, seconds: 5 });
  await freed;
  expect(found.problems).toEqual([]);
  expect(told.requests).toHaveLength(100);
  expect(found.unknown).toBeGreaterThan(0);
  expect(found.acknowledged).toBeGreaterThan(0);
  expect(Math.max(...told.requests.map(({ latencyMs }) => latencyMs))).toBeGreaterThan(1_100);
}, 60_000);

const refusal = (env: Record<string, string>): Promise<string> =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, "../../lean/main.ts")], {
    env,
  }).then(
    () => "nothing",
    (error: { stderr: string }) => error.stderr.trim(),
  );

test("what it cannot do it says in a sentence", async () => {
  const [profile, setting, nobody] = await Promise.all([
    refusal({ PROFILE: "customers" }),
    refusal({ RATE: "many" }),
    refusal({ BASE_URL: "http://127.0.0.1:1" }),
  ]);
  expect(profile).toMatch(/^PROFILE is "customers", which has \w+: orders and a probe are all it sends\.$/);
  expect(setting).toMatch(/^RATE is "many": expected a number from/);
  expect(nobody).toBe("BASE_URL is http://127.0.0.1:1, where nobody answers: start the system first.");
});
