import { expect, test } from "vitest";
import type { KeptRun } from "../run/results.ts";
import { sizingOf, speedText } from "./pages.ts";
import { kept, madeUpRun } from "./runs.fixture.ts";
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

const suite = madeUpSuite();

/** Where a thousand orders cost the API a CPU-second. */
const dear = ({ run }: KeptRun): KeptRun => {
  const orders = run.ackMs.count * run.load.ordersPerRequest + (run.probeOrders ?? 0);
  const api = { cpuSeconds: orders / 1_000, peakRssBytes: 100 * 2 ** 20, cores: 2 };
  return kept({ ...run, resources: { ...run.resources, "order-api": api } });
};

test("what a rate wants of each piece is what orders cost it, and a process is not filled to its core", () => {
  const text = sizingOf({ ...suite, runs: suite.runs.map(dear) });
  expect(text).toMatch(
    /\| v2 · Redis Streams \| 1 \| [^|]+ \| 1\D350 \| order-api \| 1 \| 100\u00a0MiB \| 1.35 \| 2 \|/,
  );
  expect(text).toMatch(/\| worker-v1 \| [^|]+ \| [^|]+ \| [^|]+ \| 1 \|/);
  expect(text).not.toMatch(/\| k6 \||NaN|undefined/);
});

test("without results there is no figure", () => {
  expect(sizingOf({ ...suite, runs: [] })).toBe("No results yet.");
});
