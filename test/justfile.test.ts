/**
 * The justfile: just refuses a file with a recipe defined twice, for every command, and two branches that each add one
 * are merged without a conflict.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** The head of a recipe begins a line and ends with a colon; `name := "value"` is a variable. */
const recipesIn = (text: string): string[] =>
  [...text.matchAll(/^([a-z_][\w-]*)(?: [^:\n]*)?:(?!=)/gm)].map(([, name = ""]) => name);

/** In a code block, or between backticks. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/(?:^|`)just ([a-z][\w-]*)/gm)].map(([, name = ""]) => name);

const recipes = recipesIn(read("justfile"));

test("no recipe is defined twice", () => {
  const twice = 'all := "a: b"\nload mode profile="smoke": up\n    x: y\nup +modes:\nload *options:\n';
  expect(recipesIn(twice)).toEqual(["load", "up", "load"]);
  expect(recipes).toContain("up");
  expect(recipes.filter((name, index) => recipes.indexOf(name) !== index)).toEqual([]);
});

test("just up returns when every container answers", () => {
  expect(read("justfile")).toMatch(/^ +docker compose .* up .*--detach --wait/m);
});

test("every recipe that the documents name exists", () => {
  const documents = ["README.md", ...readdirSync(join(root, "docs")).map((file) => `docs/${file}`)];
  const named = documents
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => commandsIn(read(file)).map((name) => ({ file, name })));
  expect(named.map(({ name }) => name)).toContain("scale");
  expect(named.filter(({ name }) => !recipes.includes(name))).toEqual([]);
});
