import { expect, test } from "vitest";
import { containersIn } from "./installation.ts";

const LISTED = [
  { Service: "kafka", State: "running", Health: "unhealthy", ExitCode: 0 },
  { Service: "migrations", State: "exited", Health: "", ExitCode: 1 },
];
const READ = [
  { service: "kafka", state: "unhealthy", exitCode: 0 },
  { service: "migrations", state: "exited", exitCode: 1 },
];

test("reads containers as lines and, of an older Compose, as a list", () => {
  expect(containersIn(`${LISTED.map((each) => JSON.stringify(each)).join("\n")}\n`)).toEqual(READ);
  expect(containersIn(JSON.stringify(LISTED))).toEqual(READ);
  expect(containersIn("")).toEqual([]);
});
