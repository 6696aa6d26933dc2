/** Every process of the whole system is killed under load, and every acknowledged order is counted once. */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { until } from "../../test/fresh.ts";
import { openConnections } from "./client/connections.ts";
import { deliver } from "./client/orders.ts";
import { type System, startSystem } from "./launcher.ts";
import { isAlive } from "./servers/process-tree.ts";

let system: System;
let dataDir: string;
const lines: string[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-launcher-"));
  chmodSync(dataDir, 0o755);
  const options = {
    modes: modes.map(({ name }) => name),
    dataDir,
    onLine: (line: string) => void lines.push(line),
  };
  system = await startSystem({ ...options, env: { V3_SESSION_TIMEOUT_MS: "6000", LOG_LEVEL: "warn" } });
});
afterAll(async () => {
  await system.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const counted = async (mode: string): Promise<number> => {
  const response = await fetch(`${system.url}/api/sales?bucket=day&mode=${mode}`).catch(() => null);
  if (!response?.ok) return -1;
  const { rows } = (await response.json()) as { rows: { orders: number }[] };
  return rows.reduce((sum, row) => sum + row.orders, 0);
};

const LATTE = { drink: "latte", store: "uptown", cents: 450, timestamp: null };

/** A client that sends each order under one key until it is acknowledged, one after the other. */
const client = async (mode: string, acknowledged: string[], signal: AbortSignal): Promise<void> => {
  const connections = openConnections(system.url, 5_000);
  // an order that was sent is delivered after the signal too: it may be stored
  const never = new AbortController().signal;
  while (!signal.aborted) {
    const order = { ...LATTE, id: newOrderId() };
    await deliver({
      ...{ connections: () => connections, mode, orders: [order] },
      pauseMs: () => 100,
      signal: never,
    });
    acknowledged.push(order.id);
    await sleep(5);
  }
  await connections.close();
};

test("counts every acknowledged order once while every process is killed and restarts", async () => {
  const acknowledged: Record<string, string[]> = Object.fromEntries(system.modes.map((mode) => [mode, []]));
  const over = new AbortController();
  const clients = system.modes.flatMap((mode) => {
    const mine = acknowledged[mode] ?? [];
    return [client(mode, mine, over.signal), client(mode, mine, over.signal)];
  });
  const total = (): number => Object.values(acknowledged).flat().length;
  const processes = [
    ...[...system.apis, ...system.workers].map(({ name, pid }) => ({ name, pid })),
    ...Object.values(system.servers).map(({ name, pid }) => ({ name, pid })),
  ];
  for (const { name, pid } of processes) {
    const before = total();
    await until(`orders before ${name} is killed`, () => total() > before + 50);
    const victim = pid() ?? 0;
    process.kill(victim, "SIGKILL");
    await until(`${name} runs again`, () => isRunningAgain(pid, victim));
  }
  over.abort();
  await Promise.all(clients);
  for (const mode of system.modes) {
    const expected = acknowledged[mode]?.length ?? 0;
    expect(expected).toBeGreaterThan(100);
    await until(`${mode} has counted ${expected}`, async () => (await counted(mode)) >= expected);
    expect(await counted(mode)).toBe(expected);
  }
  for (const { name } of processes)
    expect(
      lines.some((line) => line.startsWith(`${name} exited`)),
      name,
    ).toBe(true);
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

test("a second start on the same data is refused, and stopping leaves no process behind", async () => {
  await expect(startSystem({ modes: ["v1"], dataDir })).rejects.toThrow(/another start .* is using/);
  const pids = [...system.apis, ...system.workers, ...Object.values(system.servers)].map(
    ({ pid }) => pid() ?? 0,
  );
  expect(pids.every(isAlive)).toBe(true);
  await system.stop();
  expect(pids.filter(isAlive)).toEqual([]);
});
