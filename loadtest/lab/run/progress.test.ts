import { expect, test } from "vitest";
import { madeUpRun } from "../report/runs.fixture.ts";
import type { Work } from "./plan.ts";
import { openProgress, resultText } from "./progress.ts";

const work = (name: string): Work => ({
  kind: "point",
  experiment: "E1",
  point: { arrangement: "v1", name, varied: {}, load: { rate: 50 } },
  repetition: 1,
});

test("the time left falls with what is done, and follows what runs really took", () => {
  const works = [work("a"), work("b"), work("c")];
  let nowMs = 0;
  const lines: string[] = [];
  const progress = openProgress(
    works,
    "smoke",
    (line) => lines.push(line),
    () => nowMs,
  );
  expect(progress.leftSeconds()).toBe(60);
  progress.begin("E1 v1 a")(madeUpRun({ mode: "v1", rate: 50 }));
  nowMs = 50_000;
  expect(progress.leftSeconds()).toBe(10);
  for (const one of works.slice(0, 1)) progress.done(one);
  expect(progress.leftSeconds()).toBeCloseTo(100);
  nowMs = 60_000;
  expect(progress.leftSeconds()).toBeCloseTo(90);
  expect(lines[0]).toBe("[1/3, 60 s left] E1 v1 a …");
  expect(lines[1]).toMatch(/ack p99 .+, freshness p99 .+, generator .+\(0\.0 s\)/);
});

test("a void run says why", () => {
  const run = madeUpRun({ mode: "v1", rate: 50, voids: ["schedule lag p99 14 ms > 10 ms"] });
  expect(resultText(run)).toBe("void: schedule lag p99 14 ms > 10 ms");
});
