import { expect, test } from "vitest";
import { allAt, EXPERIMENTS, experimentNamed } from "./all.ts";
import type { Point } from "./experiment.ts";
import { planned, SCALES } from "./layout.ts";
import {
  estimateOf,
  neededPeer,
  peakOf,
  planOf,
  type Selection,
  textOfWork,
  timeText,
  type Work,
} from "./plan.ts";

const selection = (more: Partial<Selection> = {}): Selection => ({
  ...{ experiments: allAt("smoke"), scale: "smoke", modes: ["v1", "v2", "v3"], seed: 1, ...more },
});
const nameOf = (work: Work): string =>
  work.kind === "point" ? `${work.point.arrangement} ${work.point.name}` : `${work.arrangement} ${work.size}`;
const hours = (works: readonly Work[], scale: "smoke" | "standard"): number =>
  works.reduce((sum, work) => sum + estimateOf(work, scale), 0) / 3_600;

test("all at smoke fits into half an hour, all at standard into two and a half", () => {
  expect(hours(planOf(selection()), "smoke")).toBeLessThan(0.5);
  const standard = selection({ experiments: allAt("standard"), scale: "standard" });
  expect(hours(planOf(standard), "standard")).toBeLessThan(2.5);
});

test("the same seed gives the same order, another one another, and nothing is left out", () => {
  const [one, again, other] = [planOf(selection()), planOf(selection()), planOf(selection({ seed: 2 }))];
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(other.map((work) => `${work.experiment} ${work.kind} ${nameOf(work)}`).sort()).toEqual(
    one.map((work) => `${work.experiment} ${work.kind} ${nameOf(work)}`).sort(),
  );
});

test("experiments come in their order, and a search after its peak", () => {
  const works = planOf(selection());
  const ids = works.map(({ experiment }) => Number(experiment.slice(1)));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  for (const [index, work] of works.entries()) {
    if (work.kind !== "search") continue;
    const { arrangement, size } = work;
    // the null route's is no part of a search: it has nothing to fail
    const before = arrangement === "null" ? works : works.slice(index - 1, index);
    expect(before).toContainEqual(peakOf(work.experiment, arrangement, size));
  }
});

test("one mode brings its variants and the null route, and no other mode", () => {
  const arrangements = planOf(selection({ modes: ["v1"] })).map((work) =>
    work.kind === "point" ? work.point.arrangement : work.arrangement,
  );
  expect(new Set(arrangements)).toEqual(new Set(["null", "v1", "v1-each"]));
});

test("a benchmark of one mode measures the peers that it is compared with", () => {
  const peersOf = (mode: string) =>
    planOf(selection({ experiments: [experimentNamed("E14")], modes: [mode] })).flatMap(
      (work) => neededPeer(work)?.name ?? [],
    );
  expect([peersOf("v1"), peersOf("v3").sort()]).toEqual([["axum"], ["axum", "benthos"]]);
});

test("without E2 the peak of a mode is measured first", () => {
  const works = planOf(selection({ experiments: [experimentNamed("e11")], modes: ["v2"] }));
  expect(works[0]).toEqual(peakOf("E2", "v2", 10));
  expect(works.filter(({ experiment }) => experiment === "E2")).toHaveLength(1);
});

test("every experiment is known, and its points differ by their names at every scale", () => {
  expect(EXPERIMENTS.map(({ id }) => id)).toEqual(Array.from({ length: 21 }, (_, index) => `E${index}`));
  expect(() => experimentNamed("E99")).toThrow(/expected all, E0, E1,/);
  for (const scale of SCALES)
    for (const { id, points } of EXPERIMENTS) {
      const names = (points?.(scale) ?? []).map(
        ({ arrangement, name, measure, load }) =>
          `${id} ${arrangement} ${name} ${measure} ${JSON.stringify(load.rate)} ${load.ordersPerRequest}`,
      );
      expect(new Set(names).size).toBe(names.length);
    }
});

test("prints times in seconds, minutes or hours", () => {
  expect([40, 89, 180, 5_300, 6_120].map(timeText)).toEqual([
    "40 s",
    "89 s",
    "3 min",
    "88 min",
    "1 h 42 min",
  ]);
});

test("prints each piece of work with its time", () => {
  const works = planOf(selection({ experiments: [experimentNamed("E9"), experimentNamed("E11")] }));
  const lines = works.map((work) => textOfWork(work, "smoke"));
  expect(lines).toContain("E2, v2, 10 a request by closed-loop: 15 s");
  expect(lines).toContain("E9, v3 2 workers, 25 a request at 1.1 of capacity: 20 s");
  expect(lines).toContain("E11, v1 bulk, 1000 a request by closed-loop: 15 s");
});

const point: Point = {
  arrangement: "v2",
  name: "sync no",
  varied: { appendfsync: "no" },
  load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: 10 },
  servers: { stream: { appendfsync: "no" } },
};

test("a share of capacity becomes requests of the point's size, and stands in its name", () => {
  const { name, varied, order } = planned(point, "standard", 7, () => 6_010);
  expect(name).toBe("v2 sync no 10-order 301/s");
  expect(varied).toEqual({ rate: 301, ordersPerRequest: 10, appendfsync: "no" });
  expect(order.load).toMatchObject({ requestsPerSecond: 301, seconds: 30, warmUpSeconds: 10, seed: 7 });
  expect(order.setting).toMatchObject({ workers: 1, servers: { stream: { appendfsync: "no" } } });
});

test("small rates keep a tenth, and are never nothing", () => {
  const at = (capacity: number): unknown =>
    planned(point, "smoke", 1, () => capacity).order.load.requestsPerSecond;
  expect([at(60), at(0.1)]).toEqual([3, 0.1]);
});

test("throws on an unknown capacity, and gives the null route no probes", () => {
  expect(() => planned(point, "smoke", 1, () => null)).toThrow(/the capacity of v2 is unknown: run E2/);
  const bare: Point = { arrangement: "null", name: "", varied: {}, load: { rate: 300 } };
  expect(planned(bare, "smoke", 1, () => null)).toMatchObject({
    name: "null 1-order 300/s",
    order: { load: { probesPerSecond: 0 } },
  });
  expect(() => planned({ ...bare, arrangement: "v9" }, "smoke", 1, () => null)).toThrow(
    /unknown arrangement "v9": expected one of node-http, fastify, null, v1/,
  );
});
