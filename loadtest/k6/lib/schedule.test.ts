import fc from "fast-check";
import { expect, test } from "vitest";
import { durationMsOf, peakPerSecond, plannedOffsets, scheduleOf } from "./schedule.ts";

const offsets = (schedule: ReturnType<typeof scheduleOf>, count: number): number[] => {
  const at = plannedOffsets(schedule);
  return Array.from({ length: count }, (_, iteration) => at(iteration));
};

test("plans the first arrival of a constant rate at 0 and the gaps in whole nanoseconds, as k6 does", () => {
  const constant = (perSecond: number) =>
    scheduleOf(perSecond, [{ toPerSecond: perSecond, durationMs: 10_000 }]);
  expect(offsets(constant(4), 4)).toEqual([0, 250, 500, 750]);
  // a third of a millisecond is 333 333 ns
  expect(plannedOffsets(constant(3_000))(3_000_000)).toBe(999_999);
  expect(constant(0.5)).toMatchObject({ unitMs: 100_000, from: 50 });
  expect(offsets(constant(0.5), 3)).toEqual([0, 2_000, 4_000]);
});

// the series of k6's own test, TestRampingArrivalRateCal, in milliseconds
test("plans a ramp as k6 does", () => {
  const series = scheduleOf(0, [
    { toPerSecond: 1, durationMs: 5_000 },
    { toPerSecond: 1, durationMs: 1_000 },
    { toPerSecond: 0, durationMs: 5_000 },
  ]);
  expect(offsets(series, 6).map((ms) => Math.floor(ms + 1e-6))).toEqual([
    3_162, 4_472, 5_500, 6_527, 7_837, 11_000,
  ]);
  expect(plannedOffsets(series)(6)).toBe(Number.POSITIVE_INFINITY);
});

test("treats a stage of 0 seconds as a jump", () => {
  const jump = scheduleOf(10, [
    { toPerSecond: 10, durationMs: 1_000 },
    { toPerSecond: 100, durationMs: 0 },
    { toPerSecond: 100, durationMs: 1_000 },
  ]);
  expect(peakPerSecond(jump)).toBe(100);
  expect(durationMsOf(jump)).toBe(2_000);
  expect(offsets(jump, 12).map(Math.round)).toEqual([
    100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_010, 1_020,
  ]);
});

/** The area under the rate until a moment, by numerical integration. */
const areaUntil = (schedule: ReturnType<typeof scheduleOf>, untilMs: number): number => {
  const STEPS = 400;
  let [area, startMs, rate] = [0, 0, schedule.from];
  for (const { to, durationMs } of schedule.stages) {
    const lengthMs = Math.min(durationMs, Math.max(0, untilMs - startMs));
    for (let step = 0; step < STEPS; step++) {
      const middle = ((step + 0.5) / STEPS) * lengthMs;
      area += (rate + ((to - rate) * middle) / (durationMs || 1)) * (lengthMs / STEPS / schedule.unitMs);
    }
    [startMs, rate] = [startMs + durationMs, to];
  }
  return area;
};

test("plans arrival n where the area under the rate is n + 1", () => {
  const stage = fc.record({
    toPerSecond: fc.integer({ min: 0, max: 400 }),
    durationMs: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 400 }),
      fc.array(stage, { minLength: 2, maxLength: 5 }),
      fc.nat(500),
      (from, stages, iteration) => {
        const schedule = scheduleOf(from, stages);
        const at = plannedOffsets(schedule)(iteration);
        const whole = areaUntil(schedule, durationMsOf(schedule));
        if (at === Number.POSITIVE_INFINITY) return void expect(whole).toBeLessThan(iteration + 1.000_001);
        expect(areaUntil(schedule, at)).toBeCloseTo(iteration + 1, 5);
      },
    ),
  );
});
