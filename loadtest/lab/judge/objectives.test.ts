import { expect, test } from "vitest";
import { syntheticRun } from "../report/runs.fixture.ts";
import type { Run } from "../run/results.ts";
import { judge, standingOf, voidsOf } from "./objectives.ts";
import { percentilesOf } from "./statistics.ts";

const good = syntheticRun({ mode: "v2", rate: 400 });
const whyNot = (changed: Partial<Run>) => judge({ ...good, ...changed }, "interactive").because;

test("a good run holds, and each missed bound is named", () => {
  expect(judge(good, "interactive")).toEqual({ holds: true, because: [] });
  const slow = (p99: number) => ({ ...percentilesOf([1]), p99 });
  expect(whyNot({ freshnessMs: slow(1_320) })).toEqual([
    "freshness p99 1\u202f320\u00a0ms > 1\u202f000\u00a0ms",
  ]);
  expect(whyNot({ ackMs: slow(100.4) })).toEqual(["reply p99 100.4 > 100\u00a0ms"]);
  expect(whyNot({ ackMs: percentilesOf([]) })).toEqual(["nothing was acknowledged"]);
  expect(whyNot({ errorShare: 0.002 })).toEqual(["errors 0.2\u00a0% > 0.1\u00a0%"]);
  expect(whyNot({ errorShare: Number.NaN })).toHaveLength(1);
  expect(whyNot({ freshnessMs: null })).toEqual(["freshness was not measured"]);
  expect(whyNot({ backlogGrew: true })).toEqual(["the backlog grew"]);
  expect(whyNot({ audit: { ...good.audit, lost: 1, countedTwice: 2 } })).toEqual([
    "1 lost",
    "2 counted twice",
  ]);
});

test("the bounds themselves hold, and the relaxed objective is the looser one", () => {
  const atBounds = { ...good, ackMs: { ...good.ackMs, p99: 100 }, errorShare: 0.001 };
  expect(judge(atBounds, "interactive").holds).toBe(true);
  const late = { ...good, ackMs: { ...good.ackMs, p99: 400 }, freshnessMs: { ...good.ackMs, p99: 60_000 } };
  expect(judge(late, "interactive").holds).toBe(false);
  expect(judge(late, "relaxed").holds).toBe(true);
});

test("the null route is judged without freshness", () => {
  expect(judge({ ...good, mode: "null", freshnessMs: null }, "interactive").holds).toBe(true);
});

test("each reason alone makes a run void", () => {
  const fine = {
    droppedIterations: 0,
    generatorShare: 0.8,
    scheduleLagP99Ms: 10,
    stolenShare: 0.03,
    auditProblems: [],
  };
  expect(voidsOf(fine)).toEqual([]);
  for (const change of [
    { droppedIterations: 1 },
    { generatorShare: 0.81 },
    { scheduleLagP99Ms: 10.1 },
    { stolenShare: 0.031 },
    { auditProblems: ["1 order lost"] },
  ])
    expect(voidsOf({ ...fine, ...change })).toHaveLength(1);
});

test("a late run fails where the system was too slow by more than the generator was late, and is void otherwise", () => {
  const p99 = (value: number) => ({ ...percentilesOf([1]), p99: value });
  const late = { ...good, voids: ["schedule lag p99 40 ms > 10 ms"], scheduleLagMs: p99(40) };
  const standing = (changed: Partial<Run>, name: "interactive" | "relaxed" = "interactive") =>
    standingOf({ ...late, ...changed }, name);
  expect(standingOf(good, "interactive")).toBe("holds");
  expect(standingOf({ ...good, backlogGrew: true }, "interactive")).toBe("fails");
  expect(standing({ replyMs: p99(140) })).toBe("void");
  expect(standing({ replyMs: p99(141) })).toBe("fails");
  expect(standing({ replyMs: p99(141) }, "relaxed")).toBe("void");
  expect(standing({ replyMs: p99(5), backlogGrew: true }, "relaxed")).toBe("fails");
  // a generator at its own limit, and an audit that found something, say nothing of the system's speed
  const busy = { k6: { cpuSeconds: 27, peakRssBytes: 1, cores: 1 } };
  expect(standing({ replyMs: p99(900), resources: busy })).toBe("void");
  const machine = { hashingSpeed: 400, stolenShare: 0.1 };
  expect(standing({ replyMs: p99(900), machine })).toBe("void");
  expect(standing({ replyMs: p99(900), audit: { ...good.audit, problems: ["1 lost"] } })).toBe("void");
});
