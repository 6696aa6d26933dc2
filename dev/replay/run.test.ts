import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiFixture, openApiFixture } from "./api.fixture.ts";
import { optionsFrom } from "./options.ts";
import { replay } from "./run.ts";
import type { StartStack } from "./stack.ts";

const SALES = `timestamp,store,drink,price
2026-03-01 09:10,Up,Latte,4.50
2026-03-01 09:20,Up,Latte,"4.50"
2026-03-01 10:00,Down,Tea,3.10
2026-03-01 10:30,Down,Tea,
2026-03-02 11:00,Up,Tea,3.10
2026-03-02 12:00,Down,Mocha,4.75
`;

let folder: string;
let api: ApiFixture;
let said: string[];
let errors: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffee-rt-replay-"));
  api = await openApiFixture();
  said = [];
  errors = [];
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const noStack: StartStack = () => Promise.reject(new Error("no own stack in this test"));

const run = async (args: string[], { signal = new AbortController().signal, startStack = noStack } = {}) => {
  const file = join(folder, "sales.csv");
  if (!existsSync(file)) await writeFile(file, SALES);
  const options = optionsFrom([file, ...args]);
  if (options === null) throw new Error("no options");
  const stderr = {
    isTTY: false,
    write: (line: string) => errors.push(line),
  } as unknown as NodeJS.WriteStream;
  return replay({
    options,
    folder: join(folder, "replays"),
    startStack,
    say: (line) => said.push(line),
    stderr,
    signal,
  });
};

test("a file is sent, shifted, counted and compared; bad rows are told and kept in a file", async () => {
  expect(await run(["--url", api.url])).toBe(true);
  expect(said.join("\n")).toContain("Equal to the cent in all 4 pairs");
  expect(errors).toContain("bad row, line 5: the price is missing\n");
  const [badRows = ""] = (await readdir(join(folder, "replays"))).filter((name) => name.includes("bad-rows"));
  expect(await readFile(join(folder, "replays", badRows), "utf8")).toBe("line 5: the price is missing\n");
  const times = [...api.orders.values()].map(({ timestamp }) => timestamp).sort();
  expect(times.map((time) => time.slice(11, 16))).toEqual(["09:10", "09:20", "10:00", "11:00", "12:00"]);
  const last = Date.parse(times.at(-1) ?? "");
  expect(Date.now() - last).toBeGreaterThanOrEqual(0);
  expect(Date.now() - last).toBeLessThan(24 * 3_600_000);
});

test("run again, it sends the very same orders; --fresh sends new ones beside the old", async () => {
  await run(["--url", api.url]);
  const keys = [...api.orders.keys()].sort();
  expect(await run(["--url", api.url])).toBe(true);
  expect([...api.orders.keys()].sort()).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them the stack had already");
  expect(await run(["--url", api.url, "--fresh"])).toBe(true);
  expect(api.orders.size).toBe(10);
  expect(said.join("\n")).toContain("has counted 5 orders (19.95) of this mode in these hours already");
});

test("an interrupted one goes on under the same keys", async () => {
  const stop = new AbortController();
  api.misbehave = () => {
    stop.abort();
    return "lost reply";
  };
  expect(await run(["--url", api.url], { signal: stop.signal })).toBe(false);
  expect(said.join("\n")).toContain("The same command goes on");
  const keys = [...api.orders.keys()];
  expect(keys.length).toBe(5);
  api.misbehave = () => undefined;
  expect(await run(["--url", api.url])).toBe(true);
  expect([...api.orders.keys()]).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them the stack had already");
});

test("a stack that lost what it had, or a state that is too old, begins anew", async () => {
  const old = { id: "other", store: "Up", drink: "Latte", price: 4.5, timestamp: "2026-03-01T09:00:00.000Z" };
  api.orders.set("other", old);
  await run(["--url", api.url, "--keep-time"]);
  api.orders.clear();
  expect(await run(["--url", api.url, "--keep-time"])).toBe(true);
  expect(said.join("\n")).toContain("no longer has what it had");
  const [state = ""] = (await readdir(join(folder, "replays"))).filter((name) => name.endsWith(".json"));
  const path = join(folder, "replays", state);
  await writeFile(
    path,
    JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), keyTimeMs: Date.now() - 31 * 86_400_000 }),
  );
  expect(await run(["--url", api.url, "--keep-time"])).toBe(true);
  expect(said.join("\n")).toContain("keys are too old");
  expect(api.orders.size).toBe(10);
});

test("refused rows make the totals differ", async () => {
  api.refuses = ({ drink }) => drink === "Mocha";
  expect(await run(["--url", api.url])).toBe(false);
  expect(errors).toContain("refused, line 7: drink must be known\n");
  expect(said.join("\n")).toContain(
    "NOT EQUAL: 1 of 4 pairs of store and drink differ, together by -1 orders and -4.75",
  );
  expect(said.join("\n")).toMatch(/Down +Mocha +1 +4\.75 +0 +0\.00 +differs/);
});

test("an own stack gets the file's catalogue and room for its age, and is removed after a verified end", async () => {
  const seen: { catalogue: unknown; env: Record<string, string> | undefined; dataDir: string }[] = [];
  let stops = 0;
  const startStack: StartStack = async ({ env, dataDir, modes, onLine }) => {
    expect(modes).toEqual(["v1"]);
    onLine?.("up");
    seen.push({ env, dataDir, catalogue: JSON.parse(await readFile(env?.["CATALOGUE_FILE"] ?? "", "utf8")) });
    return { url: api.url, stop: async () => void stops++ };
  };
  expect(await run(["--mode", "v1", "--keep-time", "--keep"], { startStack })).toBe(true);
  expect(existsSync(seen[0]?.dataDir ?? "")).toBe(true);
  expect(await run(["--mode", "v1", "--keep-time"], { startStack })).toBe(true);
  expect(existsSync(seen[1]?.dataDir ?? "")).toBe(false);
  expect(seen[1]?.dataDir).toBe(seen[0]?.dataDir);
  expect(seen[0]?.catalogue).toEqual({ stores: ["Up", "Down"], drinks: ["Latte", "Tea", "Mocha"] });
  const ageDays = (Date.now() - Date.UTC(2026, 2, 1)) / 86_400_000;
  expect(Number(seen[0]?.env?.["MAX_EVENT_AGE_DAYS"])).toBeGreaterThan(ageDays);
  expect(api.orders.size).toBe(5);
  expect(stops).toBe(2);
  await expect(run(["--mode", "v1"])).rejects.toThrow("no own stack");
});

test("a dry run tells and sends nothing; a replay that takes longer than its keys live is refused", async () => {
  expect(await run(["--url", api.url, "--dry-run"])).toBe(true);
  expect(said.join("\n")).toMatch(/Up +Latte +2 +9\.00/);
  await expect(run(["--url", api.url, "--speed", "0.01"])).rejects.toThrow("112 days");
  expect(api.orders.size).toBe(0);
});
