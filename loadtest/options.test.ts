import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import packages from "../package.json" with { type: "json" };
import { findK6, K6_MAJOR } from "./generator.ts";
import { profiles } from "./k6/profiles/all.ts";
import { checkOptions, chosen, loadOptionsFrom, USAGE } from "./options.ts";

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-k6-"));
afterAll(() => rmSync(folder, { recursive: true }));

const program = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "${text}"\n`);
  chmodSync(file, 0o755);
  return file;
};

test("finds k6 of the supported major version by K6 and on the PATH", async () => {
  const command = program("k6", "k6 v2.9.1-rc1 (go1.26.8, linux/amd64)");
  expect(await findK6({ K6: command })).toEqual({ k6: { command, version: "2.9.1-rc1" } });
  expect(await findK6({ PATH: folder })).toEqual({ k6: { command: "k6", version: "2.9.1-rc1" } });
  expect(await findK6({ PATH: "/nowhere" })).toEqual({ k6: null, missing: "k6 2 is not installed" });
  const old = program("old", "k6 v1.8.1 (go1.24, linux/amd64)");
  expect(await findK6({ K6: old })).toMatchObject({ missing: `K6=${old} is 1.8.1, not version 2` });
  const other = program("other", "go version go1.26");
  expect(await findK6({ K6: other })).toMatchObject({
    missing: `K6=${other} is another program, not version 2`,
  });
  expect(await findK6({ K6: "/nowhere/k6" })).toMatchObject({ missing: "K6=/nowhere/k6 does not run" });
});

test("has k6's types of the supported major version", () => {
  expect(packages.devDependencies["@types/k6"].split(".")[0]).toBe(K6_MAJOR);
});

test("reads options as settings, and passes all others to k6", () => {
  const args = ["--mode", "v2", "--profile=spike", "-e", "SEED=7", "--out", "csv=a.gz", "-q"];
  expect(loadOptionsFrom([...args, "--lines", "l.txt", "--generator=k6"])).toEqual({
    help: false,
    generator: "k6",
    settings: { MODE: "v2", PROFILE: "spike", SEED: "7" },
    linesFile: "l.txt",
    k6Flags: ["--out", "csv=a.gz", "-q"],
  });
  expect(loadOptionsFrom(["--help"])).toMatchObject({ help: true, generator: null, k6Flags: [] });
});

test("rejects an option without a value, a setting without a name, and another generator", () => {
  expect(() => loadOptionsFrom(["--mode"])).toThrow("--mode needs a value");
  expect(() => loadOptionsFrom(["--rate="])).toThrow("--rate needs a value");
  expect(() => loadOptionsFrom(["-e", "seed"])).toThrow('-e expects NAME=value, got "seed"');
  expect(() => loadOptionsFrom(["--generator", "wrk"])).toThrow('--generator is "wrk": expected node or k6');
});

const k6 = { k6: { command: "/opt/k6", version: "2.2.0" } };
const none = { k6: null, missing: "k6 2 is not installed" } as const;

test("uses k6 when it is installed", () => {
  const { command, note } = chosen(
    loadOptionsFrom(["--mode", "v2", "--lines", "l.txt", "--out", "csv=a"]),
    k6,
  );
  expect(note).toBe("sending by k6 2.2.0");
  expect([command.command, ...command.args]).toEqual([
    ...["/opt/k6", "run", "--no-usage-report", "--out", "csv=a"],
    ...["--console-output=l.txt", "--log-format=raw", "-e", "MODE=v2"],
    join(import.meta.dirname, "k6", "main.ts"),
  ]);
});

test("uses the project's own client with the same settings when k6 is missing or not chosen", () => {
  const without = chosen(loadOptionsFrom(["--mode", "v2", "--lines", "l.txt"]), none);
  expect(without.note).toBe("k6 2 is not installed: the project's own client sends the same profile");
  const { command, args } = without.command;
  expect([command, ...args.slice(0, 3)]).toEqual(["env", "MODE=v2", "LINES=l.txt", process.execPath]);
  expect(args.at(-1)).toBe(join(import.meta.dirname, "node", "main.ts"));
  const forced = chosen(loadOptionsFrom(["--generator", "node"]), k6);
  expect([forced.note, forced.command.command]).toEqual(["sending by the project's own client", "env"]);
});

test("fails with installation instructions when k6 is required and missing", () => {
  const install = /install k6 2 \(https:.*\), or set K6=\/path\/to\/k6/;
  for (const args of [
    ["--generator", "k6"],
    ["--out", "csv=a"],
  ])
    expect(() => chosen(loadOptionsFrom(args), none)).toThrow(install);
  expect(() => chosen(loadOptionsFrom(["--out", "csv=a"]), none)).toThrow(
    /^--out is not an option of the project's own client: expected npm run load -- --mode, .*For an option of k6: install/,
  );
  expect(() => chosen(loadOptionsFrom(["--generator", "node", "-q"]), k6)).toThrow(/-q is not an option of/);
});

test("lists every profile in the help", () => {
  for (const { name } of profiles) expect(USAGE).toContain(`  ${name} `);
});

test("takes --modes for --mode, as other commands call it", () => {
  expect(loadOptionsFrom(["--modes", "v3"]).settings).toEqual({ MODE: "v3" });
});

test.each<[string[], Record<string, string>, string]>([
  [["--profile", "spke"], {}, "spke"],
  [["--rate", "fast"], {}, 'RATE is "fast"'],
  [["--mode", "v1,v2"], {}, 'MODE is "v1,v2"'],
  [["--seconds", "0"], {}, 'DURATION is "0"'],
  [["--url", "localhost:8005"], {}, "BASE_URL is"],
  [["-e", "SEED=-1"], {}, 'SEED is "-1"'],
  [[], { RATE: "many" }, 'RATE is "many"'],
  [["--generator", "node", "--vus", "3"], {}, "--vus is not an option"],
])("finds what is wrong with %j %j before anything is started", (args, environment, problem) => {
  expect(() => checkOptions(args, environment)).toThrow(problem);
});

test("finds nothing wrong with what is right, nor with a request for help", () => {
  checkOptions(["--mode", "v2", "--profile", "spike", "--rate", "50", "--vus", "3"], {});
  checkOptions(["--help", "--rate", "fast"], {});
});

/** The files that a file imports by relative paths, and the names of all its other imports. */
const importsOf = (file: string, seen = new Set<string>()): string[] => {
  if (seen.has(file)) return [];
  seen.add(file);
  const specifiers = [
    ...readFileSync(file, "utf8").matchAll(/^import (?!type).*?from "(.*?)"|^\} from "(.*?)"/gm),
  ];
  return specifiers.flatMap(([, one, other]) => {
    const name = one ?? other ?? "";
    return name.startsWith(".") ? importsOf(join(dirname(file), name), seen) : [name];
  });
};

test("the check imports no dependency, because none may be installed yet", () => {
  const names = importsOf(join(import.meta.dirname, "options.ts"));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !name.startsWith("node:"))).toEqual([]);
});
