/** A few faults with a fixed seed on every run of the tests; `npm run faults` runs all of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomFrom } from "#shared/domain/random.ts";
import { type System, startSystem } from "../../test/system.ts";
import { openLedger } from "../system/account.ts";
import { waitUntil } from "../system/wait.ts";
import { check, type Subject } from "./check.ts";
import { startClients } from "./clients.ts";
import { type DashboardClients, openDashboardClients } from "./dashboard-clients.ts";
import { faultNamed } from "./faults.ts";
import { runFault } from "./run.ts";

/** A run ends when everything is acknowledged and counted; a machine that is ten times busier takes longer. */
const PATIENCE_SECONDS = 560;

// launcher.integration.test.ts kills every process of every mode
test.concurrent.each([
  ["v1", "net-api-postgres-replies-lost"],
  ["v2", "kill-worker"],
  ["v2", "net-worker-postgres-replies-lost"],
  ["v3", "flush-board"],
])("%s loses nothing and counts nothing twice through %s", async (mode, name) => {
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const run = await runFault({
    mode,
    fault: faultNamed(name),
    seed: 1,
    seconds: PATIENCE_SECONDS,
    onLine,
    onStage: onLine,
  });
  expect(run.problems, lines.join("\n")).toEqual([]);
  // how fast it recovers depends on what else the machine runs
  expect([run.lost, run.countedTwice]).toEqual([0, 0]);
  expect(run.acknowledged).toBeGreaterThan(100);
});

/** Three of a hundred requests are invalid. */
const ENOUGH_ORDERS = 300;
const ledger = openLedger();
let system: System;
let dashboards: DashboardClients;
beforeAll(async () => {
  system = await startSystem({ modes: ["v2"] });
  dashboards = openDashboardClients(system.url, "v2");
  const load = { urls: [system.url], mode: "v2", random: randomFrom(1), requestsPerSecond: 100 };
  const clients = startClients(ledger, load);
  await waitUntil("some orders are sent", () => ledger.size > ENOUGH_ORDERS);
  expect(await clients.stop(PATIENCE_SECONDS * 1_000)).toBe(0);
});
afterAll(async () => {
  dashboards.close();
  await system.close();
});

const checkNow = (more: Partial<Subject> = {}, of = dashboards) => {
  const subject = {
    ...{ mode: "v2", url: system.url, databaseUrl: system.databaseUrl, streamUrl: system.stream.url },
    ...{ deadLetters: 0, conflicts: 0, drainWithinMs: 120_000, agreeWithinMs: 120_000, ...more },
  };
  return check(subject, ledger, of);
};

test("clients leave nothing open: acknowledged orders are counted, invalid ones refused", async () => {
  const acknowledged = ledger.entries().filter(({ outcome }) => outcome === "acknowledged").length;
  expect(await checkNow()).toEqual({ acknowledged, lost: 0, countedTwice: 0, problems: [] });
  const outcomes = new Set(ledger.entries().map(({ outcome }) => outcome));
  expect([...outcomes].sort()).toEqual(["acknowledged", "refused"]);
});

test("the check reports a version that went back, and a backlog that does not drain", async () => {
  const problems = ["a plain WebSocket saw version 1.4 after 1.5"];
  expect((await checkNow({}, { ...dashboards, problems })).problems).toEqual(problems);
  const other = openLedger();
  other.record(
    other.add({ id: "a", drink: "latte", store: "uptown", cents: 1, timestamp: null }, 0).id,
    "acknowledged",
  );
  for (const { id, body, outcome } of ledger.entries()) {
    other.add({ id, ...body }, 0);
    if (outcome !== "unsent") other.record(id, outcome);
  }
  const subject = { mode: "v2", url: system.url, databaseUrl: system.databaseUrl, streamUrl: "" };
  const limits = { deadLetters: 0, conflicts: 0, drainWithinMs: 300, agreeWithinMs: 300 };
  const checked = await check({ ...subject, ...limits }, other, dashboards);
  expect(checked.lost).toBe(1);
  expect(checked.problems[0]).toMatch(
    /^timed out after 0.3 s waiting until \d+ orders are counted and there is no lag/,
  );
});
