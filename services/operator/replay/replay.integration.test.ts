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
  } = {},
) => {
  const file = join(folder, "sales.csv");
  if (!existsSync(file)) await writeFile(file, SALES);
  const stderr = {
    isTTY: false,
    write: (line: string) => errors.push(line),
  } as unknown as NodeJS.WriteStream;
  return sendFile(optionsFrom([file, ...args]), {
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

test("sends the same orders when run again, and new ones with --fresh", async () => {
  await run(["--url", api.url]);
  const keys = [...api.orders.keys()].sort();
  expect(await run(["--url", api.url])).toBe(true);
  expect([...api.orders.keys()].sort()).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them were in the system already");
  expect(await run(["--url", api.url, "--fresh"])).toBe(true);
  expect(api.orders.size).toBe(10);
  expect(said.join("\n")).toContain("has counted 5 orders (19.95) of this mode in these hours already");
});

test("continues with the same keys after an interruption", async () => {
  const stop = new AbortController();
  api.fail = () => {
    stop.abort();
    return "lost reply";
  };
  expect(await run(["--url", api.url], { signal: stop.signal })).toBe(false);
  expect(said.join("\n")).toContain("The same command continues");
  const keys = [...api.orders.keys()];
  expect(keys.length).toBe(5);
  api.fail = () => undefined;
  expect(await run(["--url", api.url])).toBe(true);
  expect([...api.orders.keys()]).toEqual(keys);
  expect(said.join("\n")).toContain("5 of them were in the system already");
});

test("starts over when the system lost its orders or the state is too old", async () => {
  const old = { id: "other", store: "Up", drink: "Latte", price: 4.5, timestamp: "2026-03-01T09:00:00.000Z" };
  api.orders.set("other", old);
  await run(["--url", api.url, "--keep-time"]);
  api.orders.clear();
  expect(await run(["--url", api.url, "--keep-time"])).toBe(true);
  expect(said.join("\n")).toContain("no longer has the orders it had");
  const [state = ""] = (await readdir(join(folder, "replays"))).filter((name) => name.endsWith(".json"));
  const path = join(folder, "replays", state);
  await writeFile(
    path,
    JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), keyTimeMs: Date.now() - 31 * 86_400_000 }),
  );
  expect(await run(["--url", api.url, "--keep-time"])).toBe(true);
  expect(said.join("\n")).toContain("has expired keys");
  expect(api.orders.size).toBe(10);
});

test("sends to the system that runs here, unless it is to start another one", async () => {
  const findRunning = async (): Promise<string | null> => api.url;
  expect(await run([], { findRunning })).toBe(true);
  expect(said.join("\n")).toContain(`Sending to the system that runs here`);
  expect(said.join("\n")).toContain(`its page: ${api.url}/`);
  await expect(run(["--own-system"], { findRunning })).rejects.toThrow("no system in this test");
  expect(() => optionsFrom(["sales.csv", "--own-system", "--url", api.url])).toThrow("expected one of them");
});

test("names what a running system's catalogue lacks, and adds it when asked to", async () => {
  api.catalogue.drinks.delete("Tea");
  api.catalogue.stores.clear();
  const lacks = "lacks 2 stores (Up, Down) and 1 drink (Tea)";
  await expect(run(["--url", api.url])).rejects.toThrow(`${lacks}: --extend-catalogue adds them`);
  expect(api.orders.size).toBe(0);
  expect(await run(["--url", api.url, "--extend-catalogue"])).toBe(true);
  expect(said.join("\n")).toContain("Added to the catalogue");
  expect([...api.catalogue.stores]).toEqual(["Up", "Down"]);
  await expect(run(["--url", api.url, "--mode", "v3"])).rejects.toThrow("has no mode v3: choose --mode v2");
});

test("reports different totals when rows are rejected", async () => {
  api.rejects = ({ drink }) => drink === "Mocha";
  expect(await run(["--url", api.url])).toBe(false);
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
  expect(await run([...args, "--keep"], { startSystem })).toBe(true);
  expect(await run(args, { startSystem })).toBe(true);
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
  expect(await run(["--url", api.url, "--dry-run"])).toBe(true);
  expect(said.join("\n")).toMatch(/Up +Latte +2 +9\.00/);
  await expect(run(["--url", api.url, "--speed", "0.01"])).rejects.toThrow("112 days");
  expect(api.orders.size).toBe(0);
});
