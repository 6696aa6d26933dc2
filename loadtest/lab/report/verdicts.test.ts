import { expect, test } from "vitest";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { kept, madeUpRun } from "./runs.fixture.ts";
import { madeUpSuite } from "./suite.fixture.ts";
import { allOf, atLeastTimes, either } from "./verdict.ts";
import { HYPOTHESES } from "./verdicts.ts";

const suite = madeUpSuite();
const nothing: Suite = { env: suite.env, runs: [] };
const verdictOn = (id: string, of: Suite = suite) => HYPOTHESES[id]?.verdict(of);
const withRuns = (id: string, change: (run: Run) => Run): Suite => ({
  ...suite,
  runs: suite.runs.map(
    (each): KeptRun => ({ ...each, run: each.run.experiment === id ? change(each.run) : each.run }),
  ),
});
const searched = (
  mode: string,
  ordersPerRequest: number,
  rates: readonly number[],
  held: number,
): KeptRun[] =>
  rates.map((rate) =>
    kept({
      ...madeUpRun({ mode, rate: 10, ordersPerRequest }),
      load: { ...madeUpRun({ mode, rate, ordersPerRequest }).load },
      backlogGrew: rate > held,
    }),
  );

test("there are fourteen, and without results none is shown or refuted", () => {
  expect(Object.keys(HYPOTHESES)).toEqual(Array.from({ length: 14 }, (_, index) => `E${index}`));
  for (const id of Object.keys(HYPOTHESES))
    expect([id, verdictOn(id, nothing)?.is]).toEqual([id, "not shown"]);
});

test("the made-up suite's verdicts are what its model makes them", () => {
  const is = Object.fromEntries(Object.keys(HYPOTHESES).map((id) => [id, verdictOn(id)?.is]));
  expect(is).toMatchObject({
    E0: "refuted",
    E1: "confirmed",
    E2: "refuted",
    E3: "confirmed",
    E4: "refuted",
  });
  expect(is).toMatchObject({
    E5: "confirmed",
    E6: "confirmed",
    E8: "confirmed",
    E9: "not shown",
    E13: "not shown",
  });
  for (const id of Object.keys(HYPOTHESES)) expect(verdictOn(id)?.because).not.toMatch(/NaN|undefined/);
});

const pairAt = (...p99s: readonly [k6: number, node: number]): KeptRun[] =>
  (["k6", "node"] as const).map((generator, index) => {
    const run = madeUpRun({
      mode: "null",
      rate: 800,
      experiment: "E0",
      varied: { purpose: "pair", generator },
    });
    return kept({
      ...run,
      load: { ...run.load, generator },
      ackMs: { ...run.ackMs, p99: p99s[index] ?? Number.NaN },
    });
  });

test("confirms E0 where the generator has half of its cores to spare, and measures what k6 measures", () => {
  const verdict = (share: number, more: readonly KeptRun[], limit = false) => {
    const runs = suite.runs
      .filter(({ run }) => run.experiment === "E2")
      .map(({ run, ...rest }): KeptRun => {
        const k6 = { cpuSeconds: share * run.measuredSeconds, peakRssBytes: 1, cores: 1 };
        const isFull = limit && run.mode === "v3" && run.load.requestsPerSecond > 500;
        return {
          ...rest,
          run: { ...run, resources: { ...run.resources, k6 }, voids: isFull ? ["the generator"] : run.voids },
        };
      });
    return verdictOn("E0", { ...suite, runs: [...runs, ...more] });
  };
  expect(verdict(0.39, pairAt(5, 2))?.is).toBe("confirmed");
  expect(verdict(0.41, pairAt(5, 2))?.is).toBe("refuted");
  expect(verdict(0.39, pairAt(5, 2), true)?.because).toContain("the generator was the limit");
  // without k6 there is nothing to compare with
  expect(verdict(0.39, [])?.is).toBe("confirmed");
  expect(verdict(0.39, pairAt(12.5, 2))).toMatchObject({
    is: "refuted",
    because: expect.stringMatching(/p99 12\.5\sms and 2\sms/),
  });
});

test("one order lost refutes, wherever it is", () => {
  for (const id of ["E6", "E8"]) {
    const lost = withRuns(id, (run) => ({
      ...run,
      audit: { ...run.audit, lost: 1 },
      voids: ["audit: 1 lost"],
    }));
    expect(verdictOn(id, lost)?.is).toBe("refuted");
  }
  expect(
    verdictOn(
      "E3",
      withRuns("E3", (run) => ({ ...run, audit: { ...run.audit, countedTwice: 1 } })),
    )?.is,
  ).toBe("refuted");
});

test("slow drains, stale boards and refusals refute too, and a void run shows nothing", () => {
  expect(
    verdictOn(
      "E3",
      withRuns("E3", (run) => ({ ...run, drainedSeconds: 61 })),
    )?.is,
  ).toBe("refuted");
  const stale = withRuns("E1", (run) => ({ ...run, freshnessMs: { ...run.ackMs, p99: 301 } }));
  expect(verdictOn("E1", stale)?.is).toBe("refuted");
  expect(
    verdictOn(
      "E6",
      withRuns("E6", (run) => ({ ...run, ledger: { ...run.ledger, refused: 0 } })),
    )?.is,
  ).toBe("not shown");
  expect(
    verdictOn(
      "E1",
      withRuns("E1", (run) => ({ ...run, voids: ["lag"] })),
    )?.is,
  ).toBe("not shown");
});

test("ten per request: five times is confirmed, four is refuted, about five is not shown", () => {
  const verdictAt = (held: number) => {
    const runs = ["v1", "v2", "v3"].flatMap((mode) => [
      ...searched(mode, 1, [1_000, 1_050], 1_000),
      ...searched(mode, 10, [held, held * 1.05], held),
    ]);
    return verdictOn("E11", { ...suite, runs })?.is;
  };
  expect(verdictAt(600)).toBe("confirmed");
  expect(verdictAt(400)).toBe("refuted");
  expect(verdictAt(505)).toBe("not shown");
});

test("parts: one refuted refutes all, one not shown leaves it open", () => {
  const [yes, no] = [either(true, "a"), either(false, "b")];
  const open = atLeastTimes({ low: 0.9, ratio: 1, high: 1.1 }, 1, "c");
  expect(open.is).toBe("not shown");
  expect(allOf([yes, open]).is).toBe("not shown");
  expect(allOf([yes, open, no])).toEqual({ is: "refuted", because: `a; ${open.because}; b` });
  expect(allOf([yes, yes]).is).toBe("confirmed");
  expect(allOf([]).is).toBe("not shown");
});
