/** The operator's replay command as a program, on a real system. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { modes } from "#shared/modes/all.ts";
import { catalogue } from "./fresh.ts";
import { OPERATOR, startProgram } from "./processes.ts";
import { startSystem } from "./system.ts";
import { folderForFile } from "./temporary.ts";

const ROWS = 3_000;
const file = join(folderForFile(), "sales.csv");
const { stores, drinks } = catalogue;
const rows = Array.from({ length: ROWS }, (_, index) => {
  const at = new Date(Date.UTC(2026, 2, 1) + index * 90_000).toISOString().slice(0, 19).replace("T", ",");
  const price = ((index % 900) / 100 + 1).toFixed(2);
  return `${at},${stores[index % stores.length]},${drinks[index % drinks.length]},${price}`;
});
writeFileSync(file, `date,time,store,drink,price\n${rows.join("\n")}\n2026-03-01,10:00,x,y,0\n`);
const system = await startSystem();
afterAll(system.close);

const replay = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
  const program = startProgram(OPERATOR, { XDG_STATE_HOME: dirname(file) }, ["replay", file, ...args]);
  const code = await program.ended;
  return { code, output: program.output() };
};

test.each(modes)("$name counts the sales of a file to the cent, once", async ({ name: mode }) => {
  const args = ["--url", system.url, "--mode", mode];
  const first = await replay(...args);
  expect(first.output).toContain("file:    3 000 orders");
  expect(first.output).toContain("Left out:          1 (zero: 1)");
  expect(first.output).toMatch(/Equal to the cent in all \d+ pairs/);
  expect(first.code).toBe(0);
  const again = await replay(...args);
  expect(again.output).toContain("Continuing the run of");
  expect(again.output).toContain("counted: 3 000 orders");
  expect(again.code).toBe(0);
});

test("extends the catalogue of a running system for a file with other names", async () => {
  const other = join(dirname(file), "other.csv");
  const row = "2026-03-01,10:00,Cafe\u0301 Nord,Melange,4.20";
  writeFileSync(other, `date,time,store,drink,price\n${row}\n${row}\n`);
  const run = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
    const replayed = [OPERATOR, { XDG_STATE_HOME: dirname(file) }] as const;
    const program = startProgram(...replayed, ["replay", other, "--url", system.url, ...args]);
    const code = await program.ended;
    return { code, output: program.output() };
  };
  const refused = await run();
  expect(refused.output).toContain(
    "lacks 1 store (Caf\u00e9 Nord) and 1 drink (Melange): --extend-catalogue",
  );
  expect(refused.code).toBe(1);
  const extended = await run("--extend-catalogue");
  expect(extended.output).toContain("counted: 2 orders, 8.40");
  expect(extended.code).toBe(0);
});

test("exits with 2 and the usage when no system is named", async () => {
  const { code, output } = await replay();
  expect(output).toMatch(/--url: expected the API of a running system.*\n\nreplay: sends a CSV file/);
  expect(code).toBe(2);
});
