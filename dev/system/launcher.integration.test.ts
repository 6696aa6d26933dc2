/** Every process of the whole system is killed under load, and every acknowledged order is counted once. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { totalsProblems } from "./audit.ts";
import { openConnections } from "./client/connections.ts";
import { deliver } from "./client/orders.ts";
import { totalsOf, withDatabase } from "./database.ts";
import { type System, startSystem, temporaryFolder } from "./launcher.ts";
import { isAlive } from "./servers/process-tree.ts";
import { waitUntil } from "./wait.ts";

const closers = openClosers();
const dataDir = temporaryFolder("coffee-rt-launcher-", closers);
const lines: string[] = [];
let system: System;
beforeAll(async () => {
  system = await startSystem({
    modes: modes.map(({ name }) => name),
    dataDir,
    onLine: (line) => void lines.push(line),
    env: { V3_SESSION_TIMEOUT_MS: "6000", LOG_LEVEL: "warn" },
  });
});
afterAll(async () => {
  await system.stop();
  await closers.closeAll();
});

const LATTE = { drink: "latte", store: "uptown", cents: 450, timestamp: null };

/** Sends each order under one key until it is acknowledged, one after the other; returns how many. */
const sendUntil = async (mode: string, signal: AbortSignal, onAcknowledged: () => void): Promise<number> => {
  const connections = openConnections(system.url, 5_000);
  // an order that was sent is delivered after the signal too: it may be stored
  const never = new AbortController().signal;
  let acknowledged = 0;
  while (!signal.aborted) {
    const orders = [{ ...LATTE, id: newOrderId() }];
    await deliver({ connections: () => connections, mode, orders, pauseMs: () => 100, signal: never });
    acknowledged++;
    onAcknowledged();
    await sleep(5);
  }
  await connections.close();
  return acknowledged;
};

test("counts every acknowledged order once, to the cent, while every process is killed and restarts", async () => {
  let total = 0;
  const over = new AbortController();
  const sending = system.modes.map((mode) => {
    const send = (): Promise<number> => sendUntil(mode, over.signal, () => total++);
    return { mode, clients: Promise.all([send(), send()]) };
  });
  const processes = [...system.apis, ...system.workers, ...Object.values(system.servers)];
  for (const { name, pid } of processes) {
    const before = total;
    await waitUntil(`orders are acknowledged before ${name} is killed`, () => total > before + 50);
    const victim = pid() ?? 0;
    process.kill(victim, "SIGKILL");
    await waitUntil(`${name} runs again`, () => isRunningAgain(pid, victim));
    expect(lines.some((line) => line.startsWith(`${name} exited`))).toBe(true);
  }
  over.abort();
  await withDatabase(system.env["DATABASE_URL"] ?? "", async (pool) => {
    for (const { mode, clients } of sending) {
      const orders = (await clients).reduce((sum, count) => sum + count, 0);
      expect(orders).toBeGreaterThan(100);
      await waitUntil(
        `${mode} has counted ${orders}`,
        async () => ((await totalsOf(pool, mode)).rollups["rollup_minute"]?.orders ?? 0) >= orders,
      );
      // the clients and the queues deliver some orders twice
      const totals = { ...(await totalsOf(pool, mode)), duplicates: 0 };
      expect(totalsProblems(null, totals, { orders, cents: orders * LATTE.cents })).toEqual([]);
    }
  });
});

const isRunningAgain = (pid: () => number | undefined, before: number): boolean => {
  try {
    const now = pid();
    return now !== undefined && now !== before;
  } catch {
    // a server that is down has no pid
    return false;
  }
};

test("names the variable of a given server on which the migrations fail", async () => {
  const address = new URL(system.env["DATABASE_URL"] ?? "");
  address.pathname = "/postgres";
  address.username = "visitor";
  await withDatabase(system.env["DATABASE_URL"] ?? "", (pool) => pool.query("CREATE ROLE visitor LOGIN"));
  const starting = startSystem({ modes: ["v1"], environment: { ...system.env, DATABASE_URL: address.href } });
  await expect(starting).rejects.toThrow(
    /^DATABASE_URL is ".*visitor@.*": .*may not create tables in schema "public"/,
  );
});

test("rejects a second start on the same data, and stops every process", async () => {
  await expect(startSystem({ modes: ["v1"], dataDir })).rejects.toThrow(/another start .* is using/);
  const pids = [...system.apis, ...system.workers, ...Object.values(system.servers)].map(
    ({ pid }) => pid() ?? 0,
  );
  expect(pids.every(isAlive)).toBe(true);
  await system.stop();
  expect(pids.filter(isAlive)).toEqual([]);
});
