import { expect, test } from "vitest";
import { randomFrom } from "../../../shared/domain/random.ts";
import { type SearchSettings, settingsFor } from "../experiments/layout.ts";
import type { ObjectiveName } from "../judge/objectives.ts";
import { type Capacity, nextStep, type Point } from "./capacity.ts";

/** A system made up: what it does at a rate, the how-manyth point it is. */
type MadeUp = (
  rate: number,
  index: number,
) => Partial<Record<ObjectiveName, boolean>> & { voids?: string[]; isGeneratorFull?: boolean };

const settings: SearchSettings = settingsFor("standard", 100, 20_000);

const recordOf = (holds = true, isVoid = false) => ({
  is: isVoid ? ("void" as const) : holds ? ("holds" as const) : ("fails" as const),
  because: holds ? [] : ["reply p99 180 ms > 100 ms"],
});

const search = (system: MadeUp, given: SearchSettings = settings) => {
  const points: Point[] = [];
  for (;;) {
    const step = nextStep(points, given);
    if ("found" in step) return { points, ...step.found };
    const { interactive, relaxed, voids = [], isGeneratorFull = false } = system(step.rate, points.length);
    points.push({
      rate: step.rate,
      achieved: step.rate * 0.999,
      voids,
      isGeneratorFull,
      recordOf: {
        interactive: recordOf(interactive, voids.length > 0 && interactive !== false),
        relaxed: recordOf(relaxed, voids.length > 0 && relaxed !== false),
      },
    });
    if (points.length > 200) throw new Error("it does not end");
  }
};

const knees =
  (interactive: number, relaxed = interactive): MadeUp =>
  (rate) => ({ interactive: rate <= interactive, relaxed: rate <= relaxed });

const brackets = (capacity: Capacity, knee: number): void => {
  expect(capacity.isConfirmed).toBe(true);
  expect(capacity.rate).toBeLessThanOrEqual(knee);
  expect(capacity.firstFailing?.rate).toBeGreaterThan(knee);
  // a rate is whole: one apart is as near as it comes
  expect(capacity.firstFailing?.rate).toBeLessThanOrEqual(Math.max(capacity.rate * 1.1, capacity.rate + 1));
};

test.each([5, 99, 100, 101, 1_234, 19_000])("a knee at %d is found to ±5 percent and confirmed", (knee) => {
  const { points, interactive } = search(knees(knee));
  brackets(interactive, knee);
  expect(interactive.confirmed).toHaveLength(3);
  expect(interactive.firstFailing?.because).toBe("reply p99 180 ms > 100 ms");
  expect(points.length).toBeLessThan(24);
});

test("both objectives are judged on the same points", () => {
  const { points, interactive, relaxed } = search(knees(800, 2_400));
  brackets(interactive, 800);
  brackets(relaxed, 2_400);
  // where the knees are one, nothing more is run for the second
  expect(search(knees(800)).points.length).toBeLessThan(points.length);
  expect(search(knees(800)).points.length).toBe(search(knees(800, 800.5)).points.length);
});

test("a resumed search wants what an uninterrupted one wanted", () => {
  const { points } = search(knees(800, 2_400));
  for (const [index, point] of points.entries())
    expect(nextStep(points.slice(0, index), settings)).toMatchObject({ rate: point.rate });
});

test("reports a knee above the ceiling as `at least`, with the reason", () => {
  const { interactive, points } = search(knees(1e9));
  expect(interactive).toMatchObject({ rate: 20_000, isConfirmed: true, firstFailing: null });
  expect(interactive.limit?.because).toContain("ceiling");
  expect(Math.max(...points.map(({ rate }) => rate))).toBe(20_000);
});

test("one that fails at every rate has none, and says why", () => {
  const { interactive } = search(knees(0));
  expect(interactive).toMatchObject({ rate: 0, isConfirmed: false, firstFailing: { rate: 1 } });
});

test("a void point is neither: it is tried again, and thrice void bounds the search", () => {
  let voids = 2;
  const twice = search((rate) => {
    if (rate > 300 && voids-- > 0) return { voids: ["the generator dropped 3 iterations"] };
    return knees(1_000)(rate, 0);
  });
  brackets(twice.interactive, 1_000);

  const generator = search((rate) => (rate > 3_000 ? { voids: ["the generator took 97 %"] } : {}));
  expect(generator.interactive.rate).toBeGreaterThan(3_000 / 1.1);
  expect(generator.interactive).toMatchObject({ isConfirmed: true, firstFailing: null });
  expect(generator.interactive.limit?.because).toContain("void 3 times: the generator took 97 %");
});

test("a generator that has no more of its cores bounds the search at once: another time it has not either", () => {
  const callsOf = (isGeneratorFull: boolean) =>
    search((rate) => (rate > 3_000 ? { voids: ["the generator took 97 %"], isGeneratorFull } : {}));
  const [once, thrice] = [callsOf(true), callsOf(false)];
  expect(once.interactive.rate).toBe(thrice.interactive.rate);
  const voids = ({ points }: typeof once): number => points.filter((point) => point.voids.length > 0).length;
  expect(voids(thrice)).toBe(3 * voids(once));
  expect(once.interactive.limit?.because).toBe("void: the generator took 97 %");
});

test("void runs of a rate that was measured between them do not bound it", () => {
  const clean = search(knees(1_000)).interactive;
  let runs = 0;
  const { points, interactive } = search((rate) => {
    const isVoid = rate === clean.rate && runs++ % 2 === 0;
    return isVoid ? { voids: ["lag"] } : knees(1_000)(rate, 0);
  });
  expect(points.filter(({ voids }) => voids.length > 0)).toHaveLength(4);
  expect(interactive).toEqual(clean);
});

test("what fails below what could not be measured is a capacity like any", () => {
  const { interactive } = search((rate) => (rate > 700 ? { voids: ["lag"] } : knees(500)(rate, 0)));
  brackets(interactive, 500);
  expect(interactive.limit).toBeNull();
});

test("a confirmation that fails lowers the rate by 5 percent and starts again", () => {
  const clean = search(knees(1_000));
  const held = clean.interactive.rate;
  const second = clean.points.map(({ rate }) => rate).lastIndexOf(held) - 1;
  const { points, interactive } = search((rate, index) => ({
    ...knees(1_000)(rate, index),
    ...(index === second ? { interactive: false } : {}),
  }));
  const failed = points[second] ?? { rate: Number.NaN };
  expect(failed.rate).toBe(held);
  expect(interactive).toMatchObject({
    rate: Math.floor(failed.rate * 0.95),
    isConfirmed: true,
    firstFailing: { rate: failed.rate },
  });
  expect(interactive.confirmed).toHaveLength(3);
});

test("noise about the knee still gives a rate that held thrice; what never holds twice is not confirmed", () => {
  const random = randomFrom(11);
  for (let round = 0; round < 30; round++) {
    const { interactive } = search((rate) => ({ interactive: rate < 1_000 * (0.9 + 0.2 * random.next()) }));
    expect(interactive.rate).toBeGreaterThan(600);
    expect(interactive.rate).toBeLessThan(1_100);
  }
  // holds while searched, and never again
  const unsteady = search((rate, index) => ({ interactive: rate <= 1_000 && index < 10 }));
  expect(unsteady.interactive.isConfirmed).toBe(false);
  expect(unsteady.interactive.rate).toBe(unsteady.points[0]?.rate);
  // steady only far below where it first held: it comes down to there, and says no rate that was not run
  const { interactive, points } = search((rate, index) => ({
    interactive: rate <= 400 || (rate <= 1_000 && index < 10),
  }));
  expect(interactive).toMatchObject({ isConfirmed: true });
  expect(interactive.rate).toBeGreaterThan(250);
  expect(points.filter(({ rate }) => rate === interactive.rate)).toHaveLength(3);
});

test("smoke takes steps of two and one confirmation", () => {
  const { points, interactive } = search(knees(1_000), settingsFor("smoke", 100, 20_000));
  expect(points.slice(0, 3).map(({ rate }) => rate)).toEqual([100, 200, 400]);
  expect(interactive.confirmed).toHaveLength(1);
});
