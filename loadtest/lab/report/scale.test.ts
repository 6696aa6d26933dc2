import { expect, test } from "vitest";
import { kept, madeUpRun } from "./runs.fixture.ts";
import { speedText } from "./scale.ts";
import { madeUpSuite } from "./suite.fixture.ts";

const { env } = madeUpSuite();
const at = (hashingSpeed: number, stolenShare = 0) =>
  kept({ ...madeUpRun({ mode: "v1", rate: 50 }), machine: { hashingSpeed, stolenShare } });

test("whether the runs had the same machine stands beside what it is", () => {
  const runs = [400, 410, 420, 430, 440, 450, 460, 470, 480, 490].map((speed) => at(speed));
  expect(speedText({ env, runs: [...runs, at(300, 0.031)] })).toMatch(
    /median of 440\D+MB\/s, 400 to 480\D+.*at most 3\.1\D+of a run's time/,
  );
  expect(speedText({ env, runs: [kept(madeUpRun({ mode: "v1", rate: 50 }))] })).toBe("");
});
