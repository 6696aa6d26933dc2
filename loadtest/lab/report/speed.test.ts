import { expect, test } from "vitest";
import type { KeptRun, Run, Suite } from "../run/results.ts";
import { syntheticRun } from "./runs.fixture.ts";
import { costOf, figuresTable, machineText, resultOf } from "./speed.ts";
import { speedFigures } from "./speed-figures.ts";
import { syntheticSuite } from "./suite.fixture.ts";

const kept = (run: Run): KeptRun => ({ run, id: run.point, seconds: () => [] });
const suiteOf = (...runs: readonly Run[]): Suite => ({ env: syntheticSuite().env, runs: runs.map(kept) });

const SECONDS = 4;
type Used = { readonly server: number; readonly other: number; readonly megabytes: number };
/** A second of CPU for each process of 1 000 orders/s is a millisecond per order. */
const peak = (
  [mode, point]: readonly [string, string],
  rate: number,
  repetition: number,
  { used, voids = [] }: { readonly used?: Used; readonly voids?: readonly string[] } = {},
): Run => {
  const run = syntheticRun({ experiment: "E14", mode, rate, seconds: SECONDS, varied: { purpose: "peak" } });
  const { server, other, megabytes } = used ?? { server: 0, other: 0, megabytes: 0 };
  // a program that reports its resident memory shares some of it
  const reported = mode === "axum" ? {} : { peakResidentBytes: megabytes * 1e6 };
  const peakRssBytes = megabytes * (mode === "axum" ? 1e6 : 0.8e6);
  const resource = (cpuSeconds: number) => ({ cpuSeconds, peakRssBytes, ...reported, cores: 2 });
  return {
    ...run,
    ...{ point: `${mode} ${point}`, repetition, voids },
    ackMs: { ...run.ackMs, count: rate * SECONDS },
    resources: {
      "order-api": resource(server),
      postgres: resource(other),
      wrk: resource(9),
      lab: resource(9),
    },
  };
};
const single = (mode: string) => [mode, "1-order peak by wrk"] as const;

test("compares a mode with its ceiling in the same repetition, and leaves out void runs", () => {
  const suite = suiteOf(
    ...[peak(single("null"), 1_000, 1), peak(single("null"), 2_000, 2)],
    peak(single("null"), 1_000, 3, { voids: ["stolen"] }),
    ...[peak(single("v1"), 800, 1), peak(single("v1"), 1_000, 2), peak(single("v1"), 990, 3)],
  );
  const figures = speedFigures(suite);
  expect(figures[0]?.values).toEqual([0.8, 0.5]);
  expect(figures.map(({ name }) => name)).toEqual(["v1, single orders, no worker / null baseline"]);
});

test("publishes what an order cost beside each ratio: the server, everything but the generators, and memory", () => {
  const withWorker = ["v2", "with its worker 1-order peak by wrk"] as const;
  const runs = [
    peak(single("axum"), 20_000, 1, { used: { server: 1.6, other: 1.6, megabytes: 8 } }),
    peak(withWorker, 10_000, 1, { used: { server: 2.4, other: 1.6, megabytes: 150 } }),
  ];
  const figures = speedFigures(suiteOf(...runs));
  expect(figures.map(({ name, values, cost }) => [name, values, cost])).toEqual([
    [
      "axum, grouped INSERT, orders/s",
      [20_000],
      { ordersPerSecond: 20_000, serverMicroseconds: 20, systemMicroseconds: 40, memoryMegabytes: 8 },
    ],
    [
      "v2, single orders, its worker running / axum, grouped INSERT",
      [0.5],
      { ordersPerSecond: 10_000, serverMicroseconds: 60, systemMicroseconds: 100, memoryMegabytes: 150 },
    ],
    ["v2, CPU of the API per single order, its worker running", [60], figures[1]?.cost],
  ]);
});

test("a mode is compared with no peer that the machine lacks", () => {
  const withWorker = ["v2", "with its worker 1-order peak by wrk"] as const;
  const names = speedFigures(suiteOf(peak(withWorker, 10_000, 1))).map(({ name }) => name);
  expect(names).toEqual(["v2, CPU of the API per single order, its worker running"]);
});

test("states whether the median meets its target, with its cost beside it", () => {
  const figure = { name: "v1 / null", values: [0.7, 0.81234, 0.9], target: { atLeast: 0.75 }, cost: null };
  expect(resultOf(figure)).toEqual({
    ...{ name: "v1 / null", median: 0.812, min: 0.7, max: 0.9, target: 0.75, ok: true, cost: null },
  });
  const cost = costOf([peak(single("v1"), 10_000, 1, { used: { server: 2.4, other: 1.6, megabytes: 150 } })]);
  const memory = { name: "API", values: [160], target: { atMost: 150 }, unit: "MB", cost };
  expect(figuresTable([figure, memory], 3).split("\n").slice(2)).toEqual([
    "| v1 / null | 0.812 (0.7–0.9) | ≥ 0.75 |  |  |  |  |",
    "| API | 160 MB (160–160, 1 of 3) | ≤ 150, missed | 10,000 | 60 | 100 | 150 |",
  ]);
});

test("names the machine", () => {
  const { env } = syntheticSuite();
  const { cpuModel, cores, versions } = env;
  expect(machineText(env)).toContain(`${cpuModel}, ${cores} cores, Node ${versions["node"]}.`);
});
