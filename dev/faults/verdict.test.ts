import { expect, test } from "vitest";
import { verdictOf } from "./verdict.ts";

const MUTANT = { exposedAs: /acknowledged and lost/ };
const WELL = { sent: 400, acknowledged: 390, ready: true };
const LOST = "3 orders acknowledged and lost: a, b, c";
const OTHER = "40 valid orders were never taken";

test("a mutant with the problem that it is there for is caught", () => {
  const run = { problems: [OTHER, LOST], warmUp: WELL };
  expect(verdictOf(MUTANT, run, [])).toEqual({ verdict: "caught", problems: [OTHER, LOST] });
});

test("a mutant with no problem or another one is not caught", () => {
  expect(verdictOf(MUTANT, { problems: [], warmUp: WELL }, []).verdict).toBe("not caught");
  expect(verdictOf(MUTANT, { problems: [OTHER], warmUp: WELL }, []).verdict).toBe("not caught");
});

test("a mutant that refuses orders without a fault is bad, whatever its run found", () => {
  const warmUp = { ...WELL, acknowledged: 0 };
  expect(verdictOf(MUTANT, { problems: [LOST], warmUp }, [])).toEqual({
    verdict: "bad mutant",
    problems: ["only 0 of 400 orders were acknowledged before the fault", LOST],
  });
});

test("a mutant that is not ready without a fault is bad", () => {
  const warmUp = { ...WELL, ready: false };
  expect(verdictOf(MUTANT, { problems: [LOST], warmUp }, []).verdict).toBe("bad mutant");
});

test("a mutant whose programs never start is bad", () => {
  const problem = "not within 60 s: http://127.0.0.1:1 takes orders";
  expect(verdictOf(MUTANT, { problems: [problem], warmUp: null }, [])).toEqual({
    verdict: "bad mutant",
    problems: ["the run ended before its fault", problem],
  });
});

test("a mutant that was not planted is bad", () => {
  expect(verdictOf(MUTANT, { problems: [LOST], warmUp: WELL }, ["shared/x.ts"])).toEqual({
    verdict: "bad mutant",
    problems: ["never planted: shared/x.ts", LOST],
  });
});
