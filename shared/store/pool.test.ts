import { expect, test } from "vitest";
import { freshDatabase, poolOn } from "../../test/fresh.ts";

test("a connection that breaks while it is in use fails its statement, not the program", async () => {
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", onUncaught);
  const pool = poolOn(await freshDatabase());
  try {
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    // not by `once`, which listens for errors too
    const ended = new Promise<void>((resolve) => client.on("end", resolve));
    const running = expect(client.query("SELECT pg_sleep(10)")).rejects.toThrow(/terminating connection/);
    await pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await running;
    await ended;
    client.release(true);
    expect(uncaught).toEqual([]);
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  } finally {
    process.off("uncaughtException", onUncaught);
    await pool.end();
  }
});
