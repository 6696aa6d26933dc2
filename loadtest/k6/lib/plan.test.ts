import { describe, expect, test } from "vitest";
import { profileNamed, profiles } from "../profiles/all.ts";
import { SCENARIO_NUMBERS } from "../profiles/profile.ts";
import { k6Scenarios, k6Thresholds } from "./k6-options.ts";
import { objectivesOf } from "./objectives.ts";
import { planOf } from "./plan.ts";
import { durationMsOf, peakPerSecond } from "./schedule.ts";
import { settingsFrom } from "./settings.ts";

const planned = (environment: Record<string, string>) => {
  const settings = settingsFrom(environment, Date.now());
  const plan = planOf(profileNamed(settings.profile), settings);
  return { plan, k6: k6Scenarios(plan, settings), thresholds: k6Thresholds(plan, settings) };
};

describe.each(profiles)("$name", (profile) => {
  test("sends the multiples of its base rate, and all of its shares", () => {
    const { plan } = planned({ PROFILE: profile.name, RATE: "1000" });
    const orders = plan.scenarios.filter(({ sends }) => sends === "orders");
    const peak = orders.reduce((sum, { schedule }) => sum + (schedule ? peakPerSecond(schedule) : 0), 0);
    const most = Math.max(profile.from, ...profile.stages.map(({ factor }) => factor));
    expect(Math.abs(peak - 1_000 * most)).toBeLessThan(1);
  });

  test("stretches all of its stages to DURATION", () => {
    const { plan, k6 } = planned({ PROFILE: profile.name, DURATION: "7" });
    for (const { schedule } of plan.scenarios)
      if (schedule)
        expect(Math.abs(durationMsOf(schedule) - 7_000)).toBeLessThanOrEqual(schedule.stages.length);
    for (const { executor } of Object.values(k6))
      expect(["constant-arrival-rate", "ramping-arrival-rate", "per-vu-iterations"]).toContain(executor);
  });

  test("has the objectives as thresholds", () => {
    const { thresholds } = planned({ PROFILE: profile.name });
    expect(thresholds).toMatchObject({
      order_latency: [{ threshold: "p(99)<=100" }],
      orders_failed: [{ threshold: "rate<=0.001" }],
    });
  });
});

test("warms up a point of an experiment within the same scenario", () => {
  const { plan, k6, thresholds } = planned({
    PROFILE: "constant",
    RATE: "30",
    DURATION: "5",
    WARM_UP: "3",
    PROBES_PER_SECOND: "2",
    PROBE_STORES: "southend",
  });
  expect(plan.scenarios.map(({ name, number, warmUpMs }) => [name, number, warmUpMs])).toEqual([
    ["orders", 1, 3_000],
    ["probe", 5, 0],
  ]);
  expect(k6["orders"]).toMatchObject({ startTime: "0ms", duration: "8000ms", rate: 30, preAllocatedVUs: 75 });
  expect(k6["probe"]).toMatchObject({ startTime: "3000ms", exec: "probe", vus: 1, maxDuration: "85000ms" });
  expect(thresholds["order_freshness"]).toEqual([{ threshold: "p(99)<=1000" }]);
  expect(Object.keys(thresholds)).toContain("dropped_iterations{scenario:orders}");
});

test("warms up at the first rate of a profile, and pauses when that rate is 0", () => {
  const [orders] = planned({ PROFILE: "spike", RATE: "10", WARM_UP: "4" }).plan.scenarios;
  expect(orders).toMatchObject({ startMs: 0, warmUpMs: 4_000 });
  expect(orders?.schedule?.stages[0]).toEqual({ to: 10, durationMs: 4_000 });
  const [slope] = planned({ PROFILE: "breakpoint", WARM_UP: "4" }).plan.scenarios;
  expect(slope).toMatchObject({ startMs: 4_000, warmUpMs: 0 });
});

test("bounds virtual users, and lets watchers share them", () => {
  const { k6 } = planned({ PROFILE: "websocket", RATE: "5000", MAX_VUS: "300", WATCHERS: "120" });
  expect(k6["orders"]).toMatchObject({ preAllocatedVUs: 300, maxVUs: 300 });
  expect(k6["watchers"]).toMatchObject({ executor: "per-vu-iterations", vus: 3 });
});

test("limits the schedule lag; the limit of a slope includes the start of k6's virtual users", () => {
  const name = "schedule_lag{scenario:orders}";
  const limit = (environment: Record<string, string>) => planned(environment).thresholds[name];
  expect(limit({ PROFILE: "baseline" })).toEqual([{ threshold: "p(99)<=10" }]);
  expect(limit({ PROFILE: "spike", RATE: "20" })).toEqual([{ threshold: "p(99)<=60" }]);
  const ofNode = objectivesOf(planned({ PROFILE: "spike", RATE: "20" }).plan);
  expect(ofNode.find(({ figure }) => figure === name)).toMatchObject({ most: 10 });
});

test("only breakpoint ends when an objective is missed", () => {
  for (const { name } of profiles) {
    const [latency] = planned({ PROFILE: name }).thresholds["order_latency"] ?? [];
    expect(latency?.abortOnFail === true).toBe(name === "breakpoint");
  }
});

test("lists the profiles when one is unknown", () => {
  expect(() => profileNamed("nope")).toThrow(/PROFILE is "nope": expected one of smoke, baseline, steps/);
});

test("each scenario has a unique number that fits into an id", () => {
  const numbers = Object.values(SCENARIO_NUMBERS);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(Math.max(...numbers)).toBeLessThan(16);
});
