import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import packages from "../package.json" with { type: "json" };
import { fitting, K6_VERSION, versionIn } from "./k6.ts";

const folder = mkdtempSync(join(tmpdir(), "coffee-rt-k6-"));
afterAll(() => rmSync(folder, { recursive: true }));

const saying = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "${text}"\n`);
  chmodSync(file, 0o755);
  return file;
};

test("only k6 of the pinned major version fits", async () => {
  const command = saying("next", "k6 v2.9.1 (go1.26.8, linux/amd64)");
  expect(await fitting(command)).toEqual({ command, version: "2.9.1" });
  expect(await fitting(saying("old", "k6 v1.8.1 (go1.24, linux/amd64)"))).toBeNull();
  expect(await fitting(saying("other", "another program"))).toBeNull();
  expect(await fitting(join(folder, "nothing"))).toBeNull();
});

test("a version is read whole", () => {
  expect(versionIn("k6 v2.0.0-rc1 (commit/1234, go1.26)")).toBe("2.0.0-rc1");
  expect(versionIn("go version go1.26")).toBeNull();
});

test("the types are those of the version that is built", () => {
  expect(packages.devDependencies["@types/k6"]).toBe(K6_VERSION);
});
