import { expect, test } from "vitest";
import { loadOptionsFrom, USAGE } from "./options.ts";
import { profiles } from "./profiles/all.ts";

test("our options become the script's environment, and all others are k6's", () => {
  expect(loadOptionsFrom(["--mode", "v2", "--profile=spike", "--out", "csv=a.gz", "-q"])).toEqual({
    help: false,
    hasUrl: false,
    flags: ["-e", "MODE=v2", "-e", "PROFILE=spike", "--out", "csv=a.gz", "-q"],
  });
  expect(loadOptionsFrom(["--url", "http://a:1"]).hasUrl).toBe(true);
  expect(loadOptionsFrom(["-e", "BASE_URL=http://a:1"]).hasUrl).toBe(true);
});

test("an option without a value is told", () => {
  expect(() => loadOptionsFrom(["--mode"])).toThrow("--mode needs a value");
  expect(() => loadOptionsFrom(["--rate="])).toThrow("--rate needs a value");
});

test("the help names every profile", () => {
  for (const { name } of profiles) expect(USAGE).toContain(`  ${name} `);
});
