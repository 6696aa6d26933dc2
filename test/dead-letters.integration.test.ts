/** An order becomes a dead letter and is replayed: by the order API, a worker and the operator's command. */
import { afterAll, expect, test } from "vitest";
import { driftOf } from "../dev/system/database.ts";
import { until } from "./fresh.ts";
import { OPERATOR, startProgram } from "./processes.ts";
import { dashboardOf, LATTE, postOrder, statusOf } from "./requests.ts";
import { startSystem } from "./system.ts";

const system = await startSystem({ modes: ["v2"] });
afterAll(system.close);

const post = async (drink: string): Promise<string> => {
  const response = await postOrder(system.url, "v2", { ...LATTE, drink });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
};
const untilStatus = (id: string, status: string): Promise<void> =>
  until(`${id} is ${status}`, async () => (await statusOf(system.url, id)).status === status);

const operate = async (
  args: readonly string[],
  input = "",
): Promise<{ code: number | null; output: string }> => {
  const program = startProgram(
    OPERATOR,
    { DATABASE_URL: system.databaseUrl },
    ["dead-letters", ...args],
    input,
  );
  return { code: await program.ended, output: program.output() };
};

test("an order that violates a constraint is dead, and is counted and shown once it is replayed without it", async () => {
  await untilStatus(await post("latte"), "counted");
  await system.pool.query(
    "ALTER TABLE orders ADD CONSTRAINT no_mocha CHECK (drink <> 'mocha' OR price_cents > 500)",
  );
  const [first, second] = [await post("mocha"), await post("mocha")];
  await untilStatus(first, "dead");
  await untilStatus(second, "dead");
  expect(await statusOf(system.url, first)).toMatchObject({ reason: "23514" });
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
  await until(
    "they are on the board",
    async () => (await dashboardOf(system.url)).current_hour?.order_count === 3,
  );
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
