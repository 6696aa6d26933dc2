/** The k6 container of docker-compose.lab.yaml has every file that the scripts import and every setting that they read. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { expect, test } from "vitest";
import { parse } from "yaml";
import imports from "../.dependency-cruiser.ts";
import { settingsFrom } from "../loadtest/k6/lib/settings.ts";

type Overlay = {
  readonly services: {
    readonly k6: {
      readonly volumes: readonly string[];
      readonly environment: Readonly<Record<string, string | null>>;
    };
  };
};

const root = join(import.meta.dirname, "..");
const overlay = parse(readFileSync(join(root, "docker-compose.lab.yaml"), "utf8")) as Overlay;
const { volumes, environment } = overlay.services.k6;

test("mounts every file that the scripts import", async () => {
  const folders = volumes.flatMap((volume) => /^\.\/([^:]+):\/project\/\1:ro$/.exec(volume)?.[1] ?? []);
  const { output } = await cruise(["loadtest/k6/main.ts"], { ...imports.options, baseDir: root });
  const { modules } = output as ICruiseResult;
  const loaded = new Set(["loadtest/k6/main.ts"]);
  for (const file of loaded)
    for (const { resolved, dependencyTypes } of modules.find(({ source }) => source === file)?.dependencies ??
      [])
      if (dependencyTypes.includes("local") && !dependencyTypes.includes("type-only")) loaded.add(resolved);
  expect(loaded).toContain("shared/domain/random.ts");
  expect([...loaded].filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`)))).toEqual([]);
});

/** The catalogue is mounted at its default path, and the container has no place for a summary. */
const NOT_PASSED = ["CATALOGUE", "SUMMARY"];

test("passes every setting that the scripts read", () => {
  const read = new Set<string>();
  const recording = new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_target, name) => void read.add(String(name)) },
  );
  settingsFrom(recording, Date.now());
  for (const name of NOT_PASSED) expect(read.delete(name)).toBe(true);
  expect(Object.keys(environment).sort()).toEqual([...read].sort());
});
