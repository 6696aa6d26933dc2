import { expect, test } from "vitest";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { HYPOTHESES } from "./hypotheses.ts";
import { kept, syntheticRun } from "./runs.fixture.ts";
import { syntheticSuite } from "./suite.fixture.ts";
import { allOf, atLeastTimes, either } from "./verdict.ts";

const suite = syntheticSuite();
const IDS = Object.keys(HYPOTHESES);
const verdictOn = (id: string, of: Suite = suite) => HYPOTHESES[id]?.verdict(of);

/** The verdict on an experiment whose runs are changed. */
const verdictWith = (id: string, change: (run: Run) => Partial<Run>) =>
  verdictOn(id, {
    ...suite,
    runs: suite.runs.map((each): KeptRun => {
      const { run } = each;
      return run.experiment === id ? { ...each, run: { ...run, ...change(run) } } : each;
    }),
  })?.is;

test("there are fourteen hypotheses, and without results none is confirmed or refuted", () => {
  expect(IDS).toEqual(Array.from({ length: 14 }, (_, index) => `E${index}`));
  const verdicts = IDS.map((id) => verdictOn(id, { ...suite, runs: [] })?.is);
  expect(new Set(verdicts)).toEqual(new Set(["not shown"]));
});

test("the verdicts on the synthetic suite follow from its model", () => {
  expect(Object.fromEntries(IDS.map((id) => [id, verdictOn(id)?.is]))).toMatchObject({
    ...{ E0: "refuted", E1: "confirmed", E2: "refuted", E3: "confirmed", E4: "refuted", E5: "confirmed" },
    ...{ E6: "confirmed", E8: "confirmed", E9: "not shown", E13: "not shown" },
  });
  for (const id of IDS) expect(verdictOn(id)?.because).not.toMatch(/NaN|undefined/);
});

/** One rate by both generators, with these 99th percentiles of the reply time. */
const pairAt = (k6P99: number, nodeP99: number): KeptRun[] =>
  (["k6", "node"] as const).map((generator) => {
    const varied = { purpose: "pair", generator };
    const run = syntheticRun({ mode: "null", rate: 800, experiment: "E0", varied });
    const p99 = generator === "k6" ? k6P99 : nodeP99;
    return kept({ ...run, load: { ...run.load, generator }, ackMs: { ...run.ackMs, p99 } });
  });

test("confirms E0 when the generator has room and measures what k6 measures", () => {
  const verdict = (share: number, more: readonly KeptRun[], isLimited = false) => {
    const runs = suite.runs
      .filter(({ run }) => run.experiment === "E2")
      .map((each): KeptRun => {
        const { run } = each;
        const k6 = { cpuSeconds: share * run.measuredSeconds, peakRssBytes: 1, cores: 1 };
        const isVoid = isLimited && run.mode === "v3" && run.load.requestsPerSecond > 500;
        const voids = isVoid ? ["the generator"] : run.voids;
        return { ...each, run: { ...run, resources: { ...run.resources, k6 }, voids } };
      });
    return verdictOn("E0", { ...suite, runs: [...runs, ...more] });
  };
  expect(verdict(0.39, pairAt(5, 2))?.is).toBe("confirmed");
  expect(verdict(0.41, pairAt(5, 2))?.is).toBe("refuted");
  expect(verdict(0.39, pairAt(5, 2), true)?.because).toContain("the generator was the limit");
  // without k6 there is nothing to compare with
  expect(verdict(0.39, [])?.is).toBe("confirmed");
  const apart = verdict(0.39, pairAt(12.5, 2));
  expect(apart?.is).toBe("refuted");
  expect(apart?.because).toMatch(/p99 12\.5\sms and 2\sms/);
});

test.each(["E6", "E8"])("one lost order refutes %s, even in a void run", (id) => {
  const lost = ({ audit }: Run) => ({ audit: { ...audit, lost: 1 }, voids: ["audit: 1 lost"] });
  expect(verdictWith(id, lost)).toBe("refuted");
});

test("refutes slow drains, double counts and old boards; void runs and missing refusals show nothing", () => {
  expect(verdictWith("E3", ({ audit }) => ({ audit: { ...audit, countedTwice: 1 } }))).toBe("refuted");
  expect(verdictWith("E3", () => ({ drainedSeconds: 61 }))).toBe("refuted");
  expect(verdictWith("E1", ({ ackMs }) => ({ freshnessMs: { ...ackMs, p99: 301 } }))).toBe("refuted");
  expect(verdictWith("E6", ({ ledger }) => ({ ledger: { ...ledger, refused: 0 } }))).toBe("not shown");
  expect(verdictWith("E1", () => ({ voids: ["lag"] }))).toBe("not shown");
});

test.each([
  [600, "confirmed"],
  [400, "refuted"],
  [505, "not shown"],
])("E11 with %d requests of ten that hold, where 1 000 single orders hold, is %s", (held, is) => {
  const at = (mode: string, ordersPerRequest: number, capacity: number): KeptRun[] =>
    [capacity, capacity * 1.05].map((rate) => {
      const run = syntheticRun({ mode, rate: 10, ordersPerRequest });
      return kept({ ...run, load: { ...run.load, requestsPerSecond: rate }, backlogGrew: rate > capacity });
    });
  const runs = ["v1", "v2", "v3"].flatMap((mode) => [...at(mode, 1, 1_000), ...at(mode, 10, held)]);
  expect(verdictOn("E11", { ...suite, runs })?.is).toBe(is);
});

test("one refuted part refutes the whole, and one that is not shown leaves it open", () => {
  const [yes, no] = [either(true, "a"), either(false, "b")];
  const open = atLeastTimes({ low: 0.9, ratio: 1, high: 1.1 }, 1, "c");
  expect(open.is).toBe("not shown");
  expect(allOf([yes, open]).is).toBe("not shown");
  expect(allOf([yes, open, no])).toEqual({ is: "refuted", because: `a; ${open.because}; b` });
  expect(allOf([yes, yes]).is).toBe("confirmed");
  expect(allOf([]).is).toBe("not shown");
});
