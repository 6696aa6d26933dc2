/** What is made from the programs' settings is what the repository holds, and the chart's own defaults fit it. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Value } from "typebox/value";
import { expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { madeFiles } from "./made-files.ts";
import { modeNames, settings } from "./variables.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const valuesIn = (file: string): Record<string, unknown> =>
  parse(read(`helm/coffee-rt/${file}`)) as Record<string, unknown>;

test.each(Object.keys(madeFiles()))("%s is what the settings say; if not: npm run settings", (file) => {
  // how JSON is laid out is the formatter's business
  const meaning = (text = ""): unknown => (file.endsWith(".json") ? JSON.parse(text) : text);
  expect(meaning(read(file))).toEqual(meaning(madeFiles()[file]));
});

test("the chart has every board and rule file, and no other", () => {
  for (const folder of ["dashboards", "rules"]) {
    const made = Object.keys(madeFiles()).filter((file) => file.startsWith(`helm/coffee-rt/${folder}/`));
    const there = readdirSync(join(root, "helm/coffee-rt", folder)).map(
      (file) => `helm/coffee-rt/${folder}/${file}`,
    );
    expect(there.sort()).toEqual(made.sort());
    expect(made.length).toBeGreaterThan(1);
  }
});

test("the repository has no symbolic link: checkouts and archives may turn it into a file with a path", () => {
  const files = execFileSync("git", ["ls-files", "--stage"], { cwd: root, encoding: "utf8" }).split("\n");
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((line) => line.startsWith("120000"))).toEqual([]);
});

const schema = JSON.parse(read("helm/coffee-rt/values.schema.json")) as object;

test("the chart's defaults and overlays fit its schema", () => {
  for (const file of [
    "values.yaml",
    "values.trial.yaml",
    "ci/all-on-values.yaml",
    ...modeNames.map((mode) => `values.${mode}.yaml`),
  ])
    expect([file, [...Value.Errors(schema, valuesIn(file))]]).toEqual([file, []]);
});

test("the schema refuses a setting that no program has, and one of another part", () => {
  const taken = (values: unknown): boolean => Value.Check(schema, values);
  expect(taken({ modes: { v2: { settings: { V2_SLOTS: 4 } } } })).toBe(true);
  expect(taken({ modes: { v2: { settings: { V2_SLOT: 4 } } } })).toBe(false);
  expect(taken({ modes: { v1: { settings: { V2_SLOTS: 4 } } } })).toBe(false);
  expect(taken({ modes: { v2: { settings: { V2_SLOTS: 0 } } } })).toBe(false);
  expect(taken({ orderApi: { settings: { PORT: 1 } } })).toBe(false);
});

test("every mode has its overlay, of 15 lines at most", () => {
  for (const mode of modeNames) {
    expect(valuesIn(`values.${mode}.yaml`)).toMatchObject({ modes: { [mode]: { enabled: true } } });
    expect(read(`helm/coffee-rt/values.${mode}.yaml`).trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  }
});

test("every setting that does not follow from the compose files can be set", () => {
  expect(Object.keys(settings)).toEqual(["orderApi", "workers", "migrations", ...modeNames]);
  expect(Object.keys(settings["migrations"] ?? {}).sort()).toEqual(["LOG_LEVEL", "WAIT_FOR_DATABASE_MS"]);
  expect(Object.keys(settings["workers"] ?? {})).toContain("ORDERS_KEEP_DAYS");
  expect(Object.values(settings).flatMap((variables) => Object.keys(variables))).not.toContain(
    "DATABASE_URL",
  );
});

test("the chart is of the programs' version", () => {
  expect(parse(read("helm/coffee-rt/Chart.yaml"))).toMatchObject({
    version: packageJson.version,
    appVersion: packageJson.version,
  });
});

/** `just load-containers` says them by its arguments. */
const OF_A_RECIPE = ["MODE", "PROFILE"];

test("what the compose files take from the environment stands in .env.example, with the same default", () => {
  const files = readdirSync(root).filter((file) => /^docker-compose\..+\.yaml$/.test(file));
  const taken = files.flatMap((file) => [...read(file).matchAll(/\$\{([A-Z_0-9]+):-([^}]*)\}/g)]);
  const wanted = taken
    .filter(([, name = ""]) => !OF_A_RECIPE.includes(name))
    .map(([, name, value]) => `#${name}=${value}`);
  const [head = ""] = read(".env.example").split("\n# --- ");
  const listed = head.split("\n").filter((line) => /^#[A-Z_0-9]+=/.test(line));
  expect(listed.sort()).toEqual([...new Set(wanted)].sort());
});
