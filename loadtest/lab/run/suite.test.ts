import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { experimentNamed } from "../experiments/all.ts";
import { planOf, type Work } from "../experiments/plan.ts";
import { capacitiesOf } from "../report/figures.ts";
import { syntheticRun } from "../report/runs.fixture.ts";
import { syntheticSuite } from "../report/suite.fixture.ts";
import { openProgress } from "./progress.ts";
import { readSuite, writeEnvironment } from "./result-files.ts";
import type { Run } from "./results.ts";
import type { Measures, SuiteRun } from "./suite.ts";
import { doAll } from "./work.ts";

const env = { ...syntheticSuite().env, scale: "smoke" as const };
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coffee-rt-suite-"));
  writeEnvironment(folder, env);
});
afterEach(() => rmSync(folder, { recursive: true }));

type Change = (run: Run, nth: number) => Run;

/** A laboratory made up: each run is what the model of its mode makes it, changed as a test wants. */
const madeUp = (change: Change = (run) => run) => {
  const made: string[] = [];
  const stopping = new AbortController();
  const found = (run: Run) => ({ run, seconds: [], output: null, logs: "why", took: {} });
  const measures: Measures = {
    signal: stopping.signal,
    run: async (order, place) => {
      const { requestsPerSecond: rate, ordersPerRequest, generator } = order.load;
      const { arrangement } = order.setting;
      const startedAt = new Date(Date.UTC(2026, 0, 5) + made.length * 60_000).toISOString();
      const run = syntheticRun({ ...place, mode: arrangement.name, rate, ordersPerRequest, startedAt });
      made.push(place.point);
      return found(change({ ...run, load: { ...run.load, generator } }, made.length));
    },
    rate: async (_name, order, place) => {
      made.push(place.point);
      const { ordersPerRequest } = order.load;
      const at = { mode: order.setting.arrangement.name, rate: ordersPerRequest === 1 ? 2_800 : 1_100 };
      const run = syntheticRun({ ...place, ...at, ordersPerRequest, varied: { purpose: "peak" } });
      return found({ ...run, point: place.point });
    },
  };
  return { made, measures, stop: () => stopping.abort(new Error("interrupted")) };
};

const go = async (
  works: readonly Work[],
  measures: Measures,
): Promise<{ failed: number; said: string[] }> => {
  const said: string[] = [];
  const log = (line: string): void => void said.push(line);
  const suite = readSuite(folder);
  const suiteRun: SuiteRun = {
    measures,
    folder,
    suite,
    progress: openProgress(works, "smoke", log),
    runs: 0,
  };
  return { failed: await doAll(suiteRun, works, log), said };
};

const worksOf = (ids: readonly string[], modes: readonly string[]): Work[] =>
  planOf({ experiments: ids.map(experimentNamed), scale: "smoke", modes, seed: 1 });

test("a suite finds capacities, keeps every run, and does nothing twice", async () => {
  const works = worksOf(["E0", "E1", "E2"], ["v1", "v2"]);
  const first = madeUp();
  expect((await go(works, first.measures)).failed).toBe(0);
  const kept = readSuite(folder);
  expect(kept.runs).toHaveLength(first.made.length);
  const found = capacitiesOf(kept, "E0", "E2").map(({ mode, ordersPerRequest, found: { interactive } }) => [
    `${mode} ${ordersPerRequest}`,
    interactive.isConfirmed,
  ]);
  expect(Object.fromEntries(found)).toMatchObject({
    ...{ "null 1": true, "v1 1": true, "v2 1": true, "v1-each 1": true, "v2 10": true },
  });
  const again = madeUp();
  await go(works, again.measures);
  expect(again.made).toEqual([]);
});

test("an interrupted suite goes on where it was, to the same end", async () => {
  const works = worksOf(["E2"], ["v2"]);
  const whole = madeUp();
  await go(works, whole.measures);
  rmSync(folder, { recursive: true });
  writeEnvironment(folder, env);
  const stopped = madeUp((run, nth) => {
    if (nth === 6) stopped.stop();
    return run;
  });
  await expect(go(works, stopped.measures)).rejects.toThrow("interrupted");
  const rest = madeUp();
  await go(works, rest.measures);
  expect([...stopped.made, ...rest.made]).toEqual(whole.made);
});

test("a void run is repeated up to twice, each attempt is kept, and the next one does not go on with it", async () => {
  const works = worksOf(["E1"], ["v1"]);
  const always = madeUp((run) => ({ ...run, voids: ["schedule lag p99 14 ms > 10 ms"] }));
  await go(works, always.measures);
  expect(readSuite(folder).runs.map(({ run }) => run.attempt)).toEqual([1, 2, 3]);
  await go(works, always.measures);
  expect(always.made).toHaveLength(3);
});

test("one that counts ends the attempts", async () => {
  const once = madeUp((run, nth) => ({
    ...run,
    voids: nth === 1 ? ["the generator dropped 3 iterations"] : [],
  }));
  await go(worksOf(["E1"], ["v1"]), once.measures);
  expect(readSuite(folder).runs.map(({ run }) => [run.attempt, run.voids.length])).toEqual([
    [1, 1],
    [2, 0],
  ]);
});

test("reports what cannot be measured, and measures the rest", async () => {
  const works = worksOf(["E1"], ["v1", "v2"]);
  const broken = madeUp((run) => {
    if (run.mode === "v1") throw new Error("PostgreSQL is not there");
    return run;
  });
  const { failed, said } = await go(works, broken.measures);
  expect(failed).toBe(1);
  expect(said.join("\n")).toContain("E1, v1 could not be measured: PostgreSQL is not there");
  expect(readSuite(folder).runs.map(({ run }) => run.mode)).toEqual(["v2"]);
});

test("takes shares of an unsearched capacity from the closed loop's peak", async () => {
  await go(worksOf(["E12"], ["v2"]), madeUp().measures);
  const rates = readSuite(folder)
    .runs.filter(({ run }) => run.experiment === "E12")
    .map(({ run }) => run.load.requestsPerSecond);
  expect(rates.sort((a, b) => a - b)).toEqual([66, 168]);
});
