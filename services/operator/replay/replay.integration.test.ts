import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { folderForTest } from "../../../test/temporary.ts";
import { type ApiFixture, openApiFixture } from "./api.fixture.ts";
import { optionsFrom } from "./command-line.ts";
import { sendFile } from "./replay.ts";
import type { StartSystem } from "./target.ts";

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
  folder = folderForTest();
  api = await openApiFixture();
  said = [];
  errors = [];
});

const noSystem: StartSystem = () => Promise.reject(new Error("no system in this test"));

const run = async (
  args: string[],
  {
    signal = new AbortController().signal,
    startSystem = noSystem,
    findRunning = async (): Promise<string | null> => null,
    allowed = ["--allow-bad"],
  } = {},
) => {
  const file = join(folder, "sales.csv");
  if (!existsSync(file)) await writeFile(file, SALES);
  const stderr = {
    isTTY: false,
    write: (line: string) => errors.push(line),
  } as unknown as NodeJS.WriteStream;
  return sendFile(optionsFrom([file, ...allowed, ...args]), {
    folder: join(folder, "replays"),
    findRunning,
    startSystem,
    token: null,
    say: (line) => said.push(line),
    stderr,
    signal,
  });
};

test("sends a file, shifted to now, and compares the totals; bad rows are listed in a file", async () => {
  expect(await run(["--url", api.url])).toBe(0);
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

test("states what became of every row, and exits with 3 when too many could not be read", async () => {
  const file = join(folder, "sales.csv");
  const rows = "2026-03-02 12:00,Down,Tea,0\n2026-03-02 12:01,Down,Tea,-3.10\nTotal,,,19.95\n";
  await writeFile(file, SALES + rows);
  const send = (...args: string[]) => run(["--url", api.url, ...args], { allowed: [] });
  expect(await send()).toBe(3);
  expect(said.join("\n")).toContain("Equal to the cent");
  expect(said.slice(-5)).toEqual([
    "Rows read:         9",
    "Replayed:          5, 19.95",
    "Left out:          3 (zero: 1; negative (a refund): 1, -3.10; totals row: 1, 19.95)",
    "Could not be read: 1",
    "More than 1 % of the rows could not be read: the exit status is 3. --allow-bad accepts that.",
  ]);
  expect(await send("--allow-bad")).toBe(0);
  expect(await send("--dry-run")).toBe(3);
  api.rejects = ({ drink }) => drink === "Mocha";
  expect(await send("--allow-bad", "--fresh")).toBe(1);
  expect(said).toContain("Not accepted:      1");
  await writeFile(file, SALES.replaceAll("2026-", "soon "));
  expect(await send()).toBe(3);
  expect(said.at(-1)).toBe("No row of this file can be sent.");
});

test("sends nothing of several currencies until the user chooses", async () => {
  const file = join(folder, "sales.csv");
  await writeFile(file, SALES.replace(",4.50\n", ",€4.50\n").replace(",4.75\n", ",$4.75\n"));
  await expect(run(["--url", api.url])).rejects.toThrow(
    "prices in several currencies: € 4.50 (1 sales), $ 4.75 (1 sales). Choose one with --currency",
  );
  await expect(run(["--url", api.url, "--dry-run"])).rejects.toThrow("several currencies");
  expect(api.orders.size).toBe(0);
  expect(await run(["--url", api.url, "--currency", "EUR"])).toBe(0);
  expect(said).toContain("Left out:          1 (currency $: 1, 4.75)");
  expect(await run(["--url", api.url, "--currency", "any"])).toBe(0);
});

test("sends the same orders when run again, and new ones with --fresh", async () => {
  await run(["--url", api.url]);
  const keys = [...api.orders.keys()].sort();
  expect(await run(["--url", api.url])).toBe(0);
  expect([...api.orders.keys()].sort()).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them were in the system already");
  expect(await run(["--url", api.url, "--fresh"])).toBe(0);
  expect(api.orders.size).toBe(10);
  expect(said.join("\n")).toContain("has counted 5 orders (19.95) of this mode in these hours already");
});

test("continues with the same keys after an interruption", async () => {
  const stop = new AbortController();
  api.fail = () => {
    stop.abort();
    return "lost reply";
  };
  expect(await run(["--url", api.url], { signal: stop.signal })).toBe(1);
  expect(said.join("\n")).toContain("The same command continues");
  const keys = [...api.orders.keys()];
  expect(keys.length).toBe(5);
  api.fail = () => undefined;
  expect(await run(["--url", api.url])).toBe(0);
  expect([...api.orders.keys()]).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them were in the system already");
});

test("starts over when the system lost its orders or the state is too old", async () => {
  const old = { id: "other", store: "Up", drink: "Latte", price: 4.5, timestamp: "2026-03-01T09:00:00.000Z" };
  api.orders.set("other", old);
  await run(["--url", api.url, "--keep-time"]);
  api.orders.clear();
  expect(await run(["--url", api.url, "--keep-time"])).toBe(0);
  expect(said.join("\n")).toContain("no longer has the orders it had");
  const [state = ""] = (await readdir(join(folder, "replays"))).filter((name) => name.endsWith(".json"));
  const path = join(folder, "replays", state);
  await writeFile(
    path,
    JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), keyTimeMs: Date.now() - 31 * 86_400_000 }),
  );
  expect(await run(["--url", api.url, "--keep-time"])).toBe(0);
  expect(said.join("\n")).toContain("has expired keys");
  expect(api.orders.size).toBe(10);
});

test("sends to the system that runs here, unless it is to start another one", async () => {
  const findRunning = async (): Promise<string | null> => api.url;
  expect(await run([], { findRunning })).toBe(0);
  expect(said.join("\n")).toContain(`Sending to the system that runs here`);
  expect(said.join("\n")).toContain(`its page: ${api.url}/`);
  await expect(run(["--own-system"], { findRunning })).rejects.toThrow("no system in this test");
  expect(() => optionsFrom(["sales.csv", "--own-system", "--url", api.url])).toThrow("expected one of them");
});

test("names what a running system's catalogue lacks, and adds it when asked to", async () => {
  api.catalogue.drinks.delete("Tea");
  api.catalogue.drinks.add("tea");
  api.catalogue.stores.clear();
  const lacks = "lacks 2 stores (Up, Down) and 1 drink (Tea: it has tea)";
  expect(await run(["--url", api.url, "--dry-run"])).toBe(0);
  expect(said.join("\n")).toContain(
    `Note: the catalogue of ${api.url} ${lacks}: --extend-catalogue adds them`,
  );
  await expect(run(["--url", api.url])).rejects.toThrow(`${lacks}: --extend-catalogue adds them`);
  expect(api.orders.size).toBe(0);
  expect(await run(["--url", api.url, "--extend-catalogue"])).toBe(0);
  expect(said.join("\n")).toContain("Added to the catalogue");
  expect([...api.catalogue.stores]).toEqual(["Up", "Down"]);
  await expect(run(["--url", api.url, "--mode", "v3"])).rejects.toThrow("has no mode v3: choose --mode v2");
});

test("reports different totals when rows are rejected", async () => {
  api.rejects = ({ drink }) => drink === "Mocha";
  expect(await run(["--url", api.url])).toBe(1);
  expect(errors).toContain("rejected, line 7: drink must be known\n");
  expect(said.join("\n")).toContain(
    "NOT EQUAL: 1 of 4 pairs of store and drink differ, in total by -1 orders and -4.75",
  );
  expect(said.join("\n")).toMatch(/Down +Mocha +1 +4\.75 +0 +0\.00 +differs/);
});

test("starts a system for the file's catalogue, and removes its data after a verified end", async () => {
  const seen: { wanted: Parameters<StartSystem>[0]; isThere: boolean }[] = [];
  let stops = 0;
  const startSystem: StartSystem = async (wanted) => {
    seen.push({ wanted, isThere: existsSync(wanted.folder) });
    await mkdir(wanted.folder, { recursive: true });
    return { url: api.url, stop: async () => void stops++ };
  };
  const args = ["--mode", "v1", "--keep-time"];
  expect(await run([...args, "--keep"], { startSystem })).toBe(0);
  expect(await run(args, { startSystem })).toBe(0);
  expect(seen.map(({ isThere }) => isThere)).toEqual([false, true]);
  const [first, second] = seen.map(({ wanted }) => wanted);
  expect(first).toMatchObject({
    mode: "v1",
    catalogue: { stores: ["Up", "Down"], drinks: ["Latte", "Tea", "Mocha"] },
    firstMs: Date.UTC(2026, 2, 1, 9, 10),
  });
  expect(second?.folder).toBe(first?.folder);
  expect(existsSync(second?.folder ?? "")).toBe(false);
  expect(api.orders.size).toBe(5);
  expect(stops).toBe(2);
  await expect(run(["--mode", "v1"])).rejects.toThrow("no system");
});

test("sends nothing in a dry run, and rejects a speed at which the keys would expire", async () => {
  expect(await run(["--url", api.url, "--dry-run"])).toBe(0);
  expect(said.join("\n")).toMatch(/Up +Latte +2 +9\.00/);
  await expect(run(["--url", api.url, "--speed", "0.01"])).rejects.toThrow("112 days");
  expect(api.orders.size).toBe(0);
});
