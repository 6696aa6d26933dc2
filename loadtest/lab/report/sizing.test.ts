import { expect, test } from "vitest";
import type { KeptRun } from "../run/results.ts";
import { kept } from "./runs.fixture.ts";
import { sizingOf } from "./sizing.ts";
import { madeUpSuite } from "./suite.fixture.ts";

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
