/** Small measurements of a rate, on real servers: each has a rate, and its audit finds no problem. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Point } from "../experiments/experiment.ts";
import { planned } from "../experiments/layout.ts";
import { pinningHere } from "../run/environment.ts";
import type { Run } from "../run/results.ts";
import type { Lab } from "../run/run.ts";
import { openTestBed, type TestBed } from "../run/test-bed.ts";
import { type MeasureName, measureRate } from "./measures.ts";

let testBed: TestBed;
let lab: Lab;
beforeAll(async () => {
  const pinning = await pinningHere(false);
  const { signal } = new AbortController();
  testBed = openTestBed({ pinning, environment: {}, log: () => undefined, signal });
  lab = { testBed, k6: null, pinning, signal };
});
afterAll(() => testBed.close());

const measured = (measure: MeasureName, rest: Partial<Point> = {}): Promise<Run> => {
  const load = { warmUpSeconds: 1, seconds: 1, ...rest.load };
  const point: Point = { ...{ measure, arrangement: "v2", name: "", varied: {}, workers: 0, ...rest }, load };
  const { order, name, varied } = planned(point, "smoke", 1, () => null);
  const place = { experiment: "E14", point: name, repetition: 1, attempt: 1, commit: "", varied };
  return measureRate(measure, lab, order, { ...place, scale: "smoke" });
};

/** Problems of the system: a busy machine makes a run void too. */
const problemsOf = ({ audit, voids }: Run): readonly string[] => [
  ...audit.problems,
  ...voids.filter((sentence) => /refused|last board|did not follow|are stored/.test(sentence)),
];

const HELD = { STATEMENT_TIMEOUT_MS: "180000", MAX_LAG_ORDERS: "20000000" };

test.each<[MeasureName, Partial<Point>]>([
  ["drain", { workers: 1, settings: HELD }],
  ["socket-loop", { workers: 1 }],
  ["backlog", { arrangement: "v1", load: { ordersPerRequest: 100_000 } }],
])("%s measures a rate, and every order is stored and counted once", async (measure, rest) => {
  const run = await measured(measure, rest);
  expect(problemsOf(run)).toEqual([]);
  expect(run.load.requestsPerSecond).toBeGreaterThan(0);
  expect(run.audit).toMatchObject({ lost: 0, countedTwice: 0, counted: run.audit.stored });
  expect(run.audit.counted).toBeGreaterThan(0);
});

test("a fan-out sends every board to all clients that read, and skips slow ones", async () => {
  const sockets = { clients: 40, slowShare: 0.05 };
  const run = await measured("bare-fan-out", { arrangement: "v1", sockets });
  expect(problemsOf(run)).toEqual([]);
  expect(run.varied).toMatchObject({ clients: 40, slow: 2 });
  expect(Number(run.varied["skipped"])).toBeGreaterThan(0);
});
