/** The operator's replay command as a program, without a database of its own, against the real system. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { catalogue } from "./fresh.ts";
import { OPERATOR, startProgram } from "./processes.ts";
import { type System, startSystem } from "./system.ts";

const ROWS = 3_000;
let system: System;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffee-rt-replay-"));
  const { stores, drinks } = catalogue;
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const at = new Date(Date.UTC(2026, 2, 1) + index * 90_000).toISOString().slice(0, 19).replace("T", ",");
    return `${at},${stores[index % stores.length]},${drinks[index % drinks.length]},${((index % 900) / 100 + 1).toFixed(2)}`;
  });
  await writeFile(
    join(folder, "sales.csv"),
    `date,time,store,drink,price\n${rows.join("\n")}\n2026-03-01,10:00,x,y,0\n`,
  );
  system = await startSystem();
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true });
});

const replay = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
  const file = join(folder, "sales.csv");
  const program = startProgram(OPERATOR, { XDG_STATE_HOME: folder }, ["replay", file, ...args]);
  const code = await program.ended;
  return { code, output: program.output() };
};

test.each(modes)("$name counts the sales of a file to the cent, once", async ({ name: mode }) => {
  const args = ["--url", system.url, "--mode", mode];
  const first = await replay(...args);
  expect(first.output).toContain("file:    3 000 orders");
  expect(first.output).toContain("bad row, line 3002: the price is 0");
  expect(first.output).toMatch(/Equal to the cent in all \d+ pairs/);
  expect(first.code).toBe(0);
  const again = await replay(...args);
  expect(again.output).toContain("Continuing the run of");
  expect(again.output).toContain("counted: 3 000 orders");
  expect(again.code).toBe(0);
});

test("exits with 2 and the usage when no system is named", async () => {
  const { code, output } = await replay();
  expect(output).toMatch(/--url: expected the API of a running system.*\n\nreplay: sends a CSV file/);
  expect(code).toBe(2);
});
