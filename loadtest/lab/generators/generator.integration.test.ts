/** The Node generator on the real system: what it reports is verified by the laboratory's own audit. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { countOutcomes } from "../../../dev/system/account.ts";
import { type Audit, audit } from "../../../dev/system/audit.ts";
import { catalogue, until } from "../../../test/fresh.ts";
import { type System, startSystem } from "../../../test/system.ts";
import { SCENARIO_NUMBERS } from "../../k6/profiles/profile.ts";
import { dashboardsOf } from "../run/run.ts";
import { accountOf } from "./account.ts";
import { type Load, type Sent, send, settingsOf } from "./generator.ts";
import { type GeneratorOutput, outputIn } from "./output.ts";

const PROBE_STORES = ["southend"];
const folder = mkdtempSync(join(tmpdir(), "coffee-rt-generator-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const loadOf = (url: string, mode: string, more: Partial<Load> = {}): Load => ({
  ...{ generator: "node", url, route: mode, profile: "constant", isPatient: false },
  ...{ requestsPerSecond: 100, ordersPerRequest: 1, warmUpSeconds: 1, seconds: 3, probesPerSecond: 0 },
  catalogue: {
    file: join(import.meta.dirname, "../../../services/order-api/catalogue.json"),
    probeStores: PROBE_STORES,
  },
  ...{ seed: 7, run: 1, runStartMs: Date.now() },
  ...more,
});

describe("on the real system", () => {
  let system: System;
  beforeEach(async () => {
    system = await startSystem({ modes: ["v1", "v2"] });
  }, 120_000);
  afterEach(() => system.close());

  const numberOf = async (query: string): Promise<number> =>
    (await system.pool.query<{ n: number }>(query)).rows[0]?.n ?? Number.NaN;
  const stored = (): Promise<number> => numberOf("SELECT count(*)::int AS n FROM orders");
  const counted = (): Promise<number> =>
    numberOf("SELECT coalesce(sum(orders), 0)::int AS n FROM rollup_minute");

  /** On a busy machine not every order is acknowledged in time. */
  const decided = ({ acknowledged, refused, unknown }: Audit): number => acknowledged + refused + unknown;

  type Run = { readonly sent: Sent; readonly output: GeneratorOutput; readonly found: Audit };

  const sentTo = async (mode: string, more: Partial<Load>): Promise<Run> => {
    const { pool, url } = system;
    const sent = await send(loadOf(url, mode, more), mkdtempSync(join(folder, "run-")), null).ended;
    const output = outputIn(sent.lines, sent.summary);
    const { stores, drinks } = catalogue;
    const account = accountOf(sent.summary, output.notAcknowledged, {
      ...{ stores, drinks },
      probeStores: PROBE_STORES,
    });
    const { acknowledged } = countOutcomes(account);
    await until("all acknowledged orders are stored and counted", async () => {
      const found = await stored();
      return found >= acknowledged && found === (await counted());
    });
    return {
      sent,
      output,
      found: await audit(pool, account, { mode, dashboards: dashboardsOf(url, mode), agreeWithinMs: 10_000 }),
    };
  };

  test("sends each planned order once, and reports its times", async () => {
    const { sent, output, found } = await sentTo("v2", { probesPerSecond: 2 });
    expect(found.problems).toEqual([]);
    expect(output.requests).toHaveLength(300);
    expect(output.dropped).toBe(0);
    const probes = sent.summary.scenarios.find(({ name }) => name === "probe")?.iterations ?? 0;
    expect(decided(found)).toBe(400 + probes - sent.summary.freshness.skipped);
    const notAcknowledged = output.notAcknowledged.filter(
      ({ scenario }) => scenario === SCENARIO_NUMBERS.probe,
    );
    const ended = output.visible.length + sent.summary.freshness.missed + notAcknowledged.length;
    expect(ended).toBeLessThanOrEqual(probes);
    // one that is pending when the hour changes is left out
    expect(ended).toBeGreaterThanOrEqual(probes - 1);
    for (const [index, { plannedAtMs, lagMs, latencyMs }] of output.requests.entries()) {
      expect(plannedAtMs - output.startMs).toBeCloseTo(index * 10, 0);
      expect(latencyMs).toBeGreaterThanOrEqual(lagMs);
    }
  }, 60_000);

  test("sends batches on a slope as many as the area under it", async () => {
    const { sent, output, found } = await sentTo("v2", {
      ...{ profile: "peak-2", requestsPerSecond: 20, ordersPerRequest: 10, seconds: 4 },
    });
    expect(found.problems).toEqual([]);
    // a second of calm, one of twice as much, two of calm; and the warm-up
    expect(output.requests.length).toBeGreaterThanOrEqual(99);
    expect(output.requests.length).toBeLessThanOrEqual(100);
    expect(decided(found)).toBe((sent.summary.scenarios[0]?.iterations ?? 0) * 10);
  }, 60_000);

  test("runs a profile of every kind of customer, readers and open dashboards", async () => {
    const { sent, output, found } = await sentTo("v1", {
      profile: "customers",
      warmUpSeconds: 0,
      seconds: 6,
    });
    expect(found.problems).toEqual([]);
    const { scenarios, dashboardMs, ws, latencyMs } = sent.summary;
    const iterations = Object.fromEntries(scenarios.map((each) => [each.name, each.iterations]));
    // every 66.6 ms from 0 on are 91 in 6 s
    expect(iterations).toEqual({ orders: 300, regulars: 150, lovers: 60, app: 91, readers: 91, watchers: 0 });
    expect([decided(found), output.requests.length, latencyMs.count]).toEqual([601, 601, 601]);
    expect(dashboardMs.count).toBe(91);
    // on a busy machine not all are open before the end
    expect(ws).toMatchObject({ gaps: 0, lost: 0 });
    expect(ws.connections).toBeGreaterThan(0);
    expect(ws.connections).toBeLessThanOrEqual(20);
    expect(ws.frames).toBeGreaterThanOrEqual(ws.connections);
  }, 60_000);

  test("reports orders without a reply in time as unknown, and sends the others", async () => {
    const lock = await system.pool.connect();
    await lock.query("SET idle_in_transaction_session_timeout = 0");
    // held while orders come, however long the generator takes to start
    const locking = (async () => {
      await until("the first orders are stored", async () => (await stored()) > 0);
      await lock.query("BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE");
      await lock.query("SELECT pg_sleep(2.5); COMMIT");
      lock.release();
    })();
    const { output, found } = await sentTo("v1", { requestsPerSecond: 20, warmUpSeconds: 0, seconds: 6 });
    await locking;
    expect(found.problems).toEqual([]);
    expect(output.requests).toHaveLength(120);
    expect(found.unknown).toBeGreaterThan(0);
    expect(found.acknowledged).toBeGreaterThan(0);
    expect(Math.max(...output.requests.map(({ latencyMs }) => latencyMs))).toBeGreaterThan(1_100);
  }, 60_000);
});

const failure = (env: Record<string, string>): Promise<string> =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, "../../node/main.ts")], { env }).then(
    () => "nothing",
    (error: { stderr: string }) => error.stderr.trim(),
  );

test("ends with one sentence when it cannot start", async () => {
  const [profile, setting, unreachable] = await Promise.all([
    failure({ PROFILE: "nope" }),
    failure({ RATE: "many" }),
    failure({ BASE_URL: "http://127.0.0.1:1" }),
  ]);
  expect(profile).toMatch(/^PROFILE is "nope": expected one of smoke, /);
  expect(setting).toMatch(/^RATE is "many": expected a number from/);
  expect(unreachable).toBe("BASE_URL is http://127.0.0.1:1, which does not answer: start the system first.");
});

test("passes the load, the catalogue and the run as settings", () => {
  const settings = settingsOf(loadOf("http://127.0.0.1:1", "v2", { run: 9, probesPerSecond: 5 }), "/tmp/run");
  expect(settings).toMatchObject({
    ...{ BASE_URL: "http://127.0.0.1:1", MODE: "v2", PROFILE: "constant", RATE: 100, DURATION: 3 },
    ...{ WARM_UP: 1, ORDERS_PER_REQUEST: 1, PROBE_STORES: "southend", SAMPLES: 1, RUN: 9 },
    ...{ SUMMARY: "/tmp/run/summary.json" },
  });
});

test("allows as many requests under way as may come within the time of a reply", () => {
  const held = (more: Partial<Load>) => {
    const { MAX_VUS, REPLY_WITHIN } = settingsOf(loadOf("http://127.0.0.1:1", "v2", more), "/tmp/run");
    return [MAX_VUS, REPLY_WITHIN];
  };
  expect(held({ requestsPerSecond: 400 })).toEqual([500, 1.2]);
  expect(held({ requestsPerSecond: 400, isPatient: true })).toEqual([1_000, 2.4]);
  expect(held({ requestsPerSecond: 2 })).toEqual([50, 1.2]);
  expect(held({ requestsPerSecond: 50_000 })[0]).toBe(10_000);
});
