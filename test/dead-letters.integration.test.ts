/** An order's way into the dead letters and back, by the programs: the order API, a worker, the operator's command. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { driftOf } from "../dev/system/database.ts";
import { until } from "./fresh.ts";
import { type System, startSystem } from "./system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem({ modes: ["v2"] });
});
afterAll(() => system.close());

const post = async (drink: string): Promise<string> => {
  const response = await fetch(`${system.url}/api/v2/order`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink, store: "uptown", price: 4.5 }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
};
const statusOf = async (id: string): Promise<{ status: string | number; reason?: string }> =>
  (await (await fetch(`${system.url}/api/orders/${id}`)).json()) as { status: string | number };
const untilStatus = (id: string, status: string): Promise<void> =>
  until(`${id} is ${status}`, async () => (await statusOf(id)).status === status);
const onBoard = async (): Promise<number | undefined> =>
  ((await (await fetch(`${system.url}/api/dashboard`)).json()) as Dashboard).current_hour?.order_count;

/** The command as a program. */
const operate = async (args: readonly string[], input = ""): Promise<{ code: number; output: string }> => {
  const program = spawn(process.execPath, ["services/operator/main.ts", "dead-letters", ...args], {
    cwd: join(import.meta.dirname, ".."),
    env: { DATABASE_URL: system.databaseUrl },
  });
  program.stdin.end(input);
  const [[code], ...texts] = await Promise.all([
    once(program, "close") as Promise<[number]>,
    text(program.stdout),
    text(program.stderr),
  ]);
  return { code, output: texts.join("") };
};

test("what is poison is dead, and counted and on the board once the cause is mended and it is replayed", async () => {
  await untilStatus(await post("latte"), "counted");
  await system.pool.query(
    "ALTER TABLE orders ADD CONSTRAINT no_mocha CHECK (drink <> 'mocha' OR price_cents > 500)",
  );
  const [first, second] = [await post("mocha"), await post("mocha")];
  await untilStatus(first, "dead");
  await untilStatus(second, "dead");
  expect(await statusOf(first)).toMatchObject({ reason: "23514" });
  const still = await operate(["replay", "--all"]);
  expect(still).toMatchObject({ code: 1, output: expect.stringContaining("no_mocha") });

  const corrected = await letterPayload(second);
  const correction = JSON.stringify({ ...corrected.payload, price_cents: 501 });
  expect(await operate(["replay", corrected.id, "--payload", "-"], correction)).toMatchObject({ code: 0 });
  await untilStatus(second, "counted");

  await system.pool.query("ALTER TABLE orders DROP CONSTRAINT no_mocha");
  expect(await operate(["replay", "--all"])).toEqual({
    code: 0,
    output: expect.stringContaining("1 counted now, 0 had been counted before.") as string,
  });
  await untilStatus(first, "counted");
  await until("they are on the board", async () => (await onBoard()) === 3);
  expect(await driftOf(system.pool)).toEqual([]);
  expect(await operate(["list"])).toEqual({ code: 0, output: "There are no such open dead letters.\n" });
});

const letterPayload = async (orderId: string): Promise<{ id: string; payload: object }> => {
  const { rows } = await system.pool.query<{ id: string; payload: Buffer }>(
    "SELECT id, payload FROM dead_letters WHERE order_id = $1",
    [orderId],
  );
  return { id: rows[0]?.id ?? "", payload: JSON.parse(String(rows[0]?.payload)) as object };
};

test("wrong usage says what is right", async () => {
  const { code, output } = await operate(["replay"]);
  expect(code).toBe(2);
  expect(output).toMatch(/replay takes the ids.*\n\ndead-letters: .*\n {2}list \[--all\]/s);
});
