/** The checker has to fail when it should: on a real system, whose data is made wrong by hand. */
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomFrom } from "#shared/domain/random.ts";
import { type System, startSystem } from "../../test/system.ts";
import { type Checked, check } from "./checker.ts";
import { startClients } from "./clients.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { pollUntil } from "./poll.ts";
import { openWatchers, type Watchers } from "./watchers.ts";

const ENOUGH_ORDERS = 60;

let system: System;
let watchers: Watchers;
const ledger = openLedger();
beforeAll(async () => {
  system = await startSystem({ modes: ["v2"] });
  watchers = openWatchers(system.url, "v2");
  const random = randomFrom(1);
  const clients = startClients(ledger, { urls: [system.url], mode: "v2", random, requestsPerSecond: 100 });
  await pollUntil("some orders", () => ledger.entries().length > ENOUGH_ORDERS, 10_000);
  await clients.stop(10_000);
});
afterAll(async () => {
  watchers.close();
  await system.close();
});

const checkNow = (of: Ledger = ledger, more: object = {}): Promise<Checked> => {
  const subject = {
    mode: "v2",
    url: system.url,
    databaseUrl: system.databaseUrl,
    streamUrl: system.stream.url,
    deadLetters: 0,
    conflicts: 0,
    drainWithinMs: 10_000,
    agreeWithinMs: 3_000,
    ...more,
  };
  return check(subject, of, watchers);
};
/** The same clients, told otherwise. */
const ledgerBut = (change: (ledger: Ledger) => void): Ledger => {
  const other = openLedger();
  for (const { id, sent, dueMs, fate } of ledger.entries()) {
    other.add(id, sent, dueMs);
    other.told(id, fate);
  }
  change(other);
  return other;
};
const sql = (text: string): Promise<unknown> => system.pool.query(text);

test("all is well: every acknowledged order is there once, and every dashboard says so", async () => {
  const { problems, ...figures } = await checkNow();
  expect(problems).toEqual([]);
  const acknowledged = ledger.entries().filter(({ fate }) => fate === "acknowledged").length;
  expect(figures).toEqual({ acknowledged, lost: 0, countedTwice: 0 });
  expect(ledger.entries().length).toBeGreaterThan(acknowledged);
});

test("an acknowledged order that is not there is lost", async () => {
  const sent = { drink: "latte", store: "uptown", cents: 450, timestamp: null };
  const more = ledgerBut((other) => {
    const { id } = other.add(newOrderId(), sent, 0);
    other.told(id, "acknowledged");
  });
  const { lost, problems } = await checkNow(more, { drainWithinMs: 500 });
  expect(lost).toBe(1);
  expect(problems.join()).toMatch(/orders counted and no lag.*1 orders acknowledged and lost/s);
});

test("orders of nobody, refused ones that are there, and other payloads are found", async () => {
  const [first, second, third] = ledger.entries().filter(({ fate }) => fate === "acknowledged");
  if (!first || !second || !third) throw new Error("three orders");
  const other = openLedger();
  for (const entry of ledger.entries()) {
    if (entry === first) continue;
    const sent = entry === third ? { ...entry.sent, cents: entry.sent.cents + 1 } : entry.sent;
    other.add(entry.id, sent, 0);
    if (entry !== second) other.told(entry.id, entry.fate);
  }
  const { problems } = await checkNow(other);
  expect(problems).toHaveLength(3);
  expect(problems[0]).toMatch(new RegExp(`1 orders refused and stored: .*${second.id}`));
  expect(problems[1]).toMatch(new RegExp(`1 orders stored with another payload: .*${third.id}`));
  expect(problems[2]).toMatch(`1 orders stored and sent by nobody: ${first.id}`);
});

test("an order counted twice is found in the rollups and on the dashboards", async () => {
  const one =
    "WHERE (bucket, store, drink) = (SELECT bucket, store, drink FROM rollup_hour ORDER BY 1, 2, 3 LIMIT 1)";
  await sql(`UPDATE rollup_hour SET orders = orders + 1 ${one}`);
  const { countedTwice, problems } = await checkNow();
  await sql(`UPDATE rollup_hour SET orders = orders - 1 ${one}`);
  expect(countedTwice).toBe(1);
  expect(problems.join()).toMatch(/rollups differ from the orders/);
});

test("a cent too much is found", async () => {
  await sql("UPDATE rollup_day SET revenue_cents = revenue_cents + 1");
  const { problems } = await checkNow();
  await sql("UPDATE rollup_day SET revenue_cents = revenue_cents - 1");
  expect(problems.join()).toMatch(/rollups differ from the orders.*rollup_day/);
});

test("dead letters and conflicts that nobody sowed, or that are missing, are found", async () => {
  const { problems } = await checkNow(ledger, { deadLetters: 2, conflicts: 1, agreeWithinMs: 500 });
  expect(problems).toEqual(["not within 0.5 s: 2 dead letters and 1 conflicts"]);
});

test("a version that falls on a socket is found", async () => {
  const fallen = { ...watchers, problems: ["a plain socket saw version 1.4 after 1.5"] };
  const subject = { mode: "v2", url: system.url, databaseUrl: system.databaseUrl, streamUrl: "" };
  const more = { deadLetters: 0, conflicts: 0, drainWithinMs: 1_000, agreeWithinMs: 3_000 };
  const { problems } = await check({ ...subject, ...more }, ledger, fallen);
  expect(problems).toEqual(fallen.problems);
});
