import { existsSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startPostgres } from "./postgres.ts";
import { isAlive } from "./process-tree.ts";
import type { Server } from "./server.ts";

let server: Server;
beforeAll(async () => {
  server = await startPostgres({ durable: false, settings: { statement_timeout: "20s" } });
});
afterAll(() => server.stop());

const query = async (sql: string) => {
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows as unknown[][];
  } finally {
    await client.end();
  }
};
const show = async (setting: string) => (await query(`SHOW ${setting}`))[0]?.[0];

describe("startPostgres", () => {
  test("uses UTF-8 and UTC, sorts by code points, and has the caller's settings", async () => {
    expect(await show("server_encoding")).toBe("UTF8");
    expect(await show("timezone")).toBe("UTC");
    expect(await show("max_connections")).toBe("200");
    expect(await show("statement_timeout")).toBe("20s");
    const sql = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'postgres'";
    expect(await query(sql)).toEqual([["b", "C.UTF-8"]]);
  });

  test("keeps a committed row over kill -9, on the same port", async () => {
    await query("CREATE TABLE kept AS SELECT 42 AS n");
    const before = server.pid();
    await server.kill();
    expect(isAlive(before)).toBe(false);
    expect(() => server.pid()).toThrow("not running");
    await server.start();
    expect(server.pid()).not.toBe(before);
    expect(await query("SELECT n FROM kept")).toEqual([[42]]);
  });

  test("answers nothing while paused, and everything afterwards", async () => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await server.pause();
    let answered = false;
    const answer = client.query("SELECT 1").then(() => {
      answered = true;
    });
    // a second server answers within this time, so an answer had every chance to come
    await expect(vi.waitFor(() => expect(answered).toBe(true), { timeout: 300 })).rejects.toThrow();
    await server.resume();
    await answer;
    await client.end();
  });

  test("stops without leaving a process or its temporary data, paused or not", async () => {
    const other = await startPostgres({ durable: false });
    const pid = other.pid();
    const client = new pg.Client({ connectionString: other.url });
    client.on("error", () => undefined);
    await client.connect();
    const folder = (await client.query("SHOW data_directory")).rows[0].data_directory as string;
    const exits: string[] = [];
    other.onExit(() => exits.push("unasked"));
    await other.pause();
    await Promise.all([other.stop(), other.stop()]);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
    expect(exits).toEqual([]);
    await client.end().catch(() => undefined);
  });
});
