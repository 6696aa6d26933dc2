/** k6 in a container: it is given every file that its scripts import, and every setting that they read. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "rolldown/utils";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { settingsFrom } from "../loadtest/k6/lib/settings.ts";
import { importsIn } from "./imports.ts";

type Overlay = {
  readonly services: {
    readonly k6: {
      readonly volumes: readonly string[];
      readonly environment: Readonly<Record<string, string | null>>;
    };
  };
};

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const { volumes, environment } = (parse(read("docker-compose.lab.yaml")) as Overlay).services.k6;

/** The files of the project that this one loads, itself among them. */
const loadedBy = (file: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { module, isType } of importsIn(parseSync(file, read(file)).program))
    if (!isType && module.startsWith(".")) loadedBy(join(dirname(file), module), seen);
  return seen;
};

test("every file that its scripts import, at its place", () => {
  const folders = volumes.flatMap((volume) => /^\.\/([^:]+):\/project\/\1:ro$/.exec(volume)?.[1] ?? []);
  const files = [...loadedBy("loadtest/k6/main.ts")];
  expect(files).toContain("shared/domain/random.ts");
  expect(files.filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`)))).toEqual([]);
});

/** The catalogue is mounted where it is looked for; there is no place to write a summary to. */
const NOT_HANDED_ON = ["CATALOGUE", "SUMMARY"];

test("every setting that its scripts read", () => {
  const asked = new Set<string>();
  const recording = new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_target, name) => void asked.add(String(name)) },
  );
  settingsFrom(recording, Date.now());
  for (const name of NOT_HANDED_ON) expect(asked.delete(name)).toBe(true);
  expect(Object.keys(environment).sort()).toEqual([...asked].sort());
});
