import { expect, test } from "vitest";
import { profileNamed } from "../profiles/all.ts";
import { missedOf, objectivesOf } from "./objectives.ts";
import { planOf } from "./plan.ts";
import { settingsFrom } from "./settings.ts";
import { type Figures, summaryOf, summaryText } from "./summary.ts";

const environment = {
  PROFILE: "constant",
  MODE: "v2",
  RATE: "40",
  DURATION: "5",
  WARM_UP: "2",
  ORDERS_PER_REQUEST: "10",
  RUN: "77",
  PROBES_PER_SECOND: "2",
  PROBE_STORES: "southend",
};
const settings = settingsFrom(environment, 1e12);
const plan = planOf(profileNamed("constant"), settings);
const counted = (count: number) => ({ values: { count } });
const latency = { min: 1, med: 2, "p(90)": 3, "p(95)": 4, "p(99)": 5, "p(99.9)": 6, max: 7, count: 200 };
const metrics: Figures["metrics"] = {
  order_latency: { values: latency },
  orders_failed: { values: { rate: 0.01 } },
  orders_acknowledged: counted(1_990),
  orders_refused: counted(10),
  "iterations{scenario:orders}": counted(280),
  "iterations{scenario:probe}": counted(1),
  "dropped_iterations{scenario:orders}": counted(3),
  probes_planned: counted(11),
};
/** Warm-up included. */
const SPAN = { startedAtMs: 1e12 + 5, endedAtMs: 1e12 + 5 + 9_000 };
const summary = summaryOf(plan, settings, "k6", SPAN, { metrics });

test("summarises the figures of a run", () => {
  expect(summary).toMatchObject({
    format: 1,
    generator: "k6",
    run: 77,
    mode: "v2",
    rate: 40,
    ordersPerRequest: 10,
    startedAtMs: 1e12 + 5,
    dropped: 3,
    orders: { acknowledged: 1_990, refused: 10, unknown: 0, replayed: 0 },
    latencyMs: { min: 1, p50: 2, p90: 3, p95: 4, p99: 5, p999: 6, max: 7, count: 200 },
    freshnessMs: { p50: 0, count: 0 },
  });
});

test("has what the audit needs of each scenario; the iterations of a probe are its orders", () => {
  expect(
    summary.scenarios.map(({ name, number, iterations, ordersPerIteration, executor }) => [
      name,
      number,
      iterations,
      ordersPerIteration,
      executor,
    ]),
  ).toEqual([
    ["orders", 1, 280, 10, "constant-arrival-rate"],
    ["probe", 5, 11, 1, "per-vu-iterations"],
  ]);
  expect(summary.scenarios[0]).toMatchObject({
    stages: [{ seconds: 7, toPerSecond: 40 }],
    warmUpMs: 2_000,
    durationMs: 7_000,
  });
});

test("subtracts the late start of k6's slopes, and nothing at a constant rate or from Node", () => {
  const slope = { ...environment, PROFILE: "spike", WARM_UP: "0" };
  const late = { ...metrics, "schedule_lag{scenario:orders}": { values: { min: 0.75 } } };
  const settingsOfSlope = settingsFrom(slope, 1e12);
  const planOfSlope = planOf(profileNamed("spike"), settingsOfSlope);
  const of = (generator: "k6" | "node") =>
    summaryOf(planOfSlope, settingsOfSlope, generator, SPAN, { metrics: late });
  const ofSlope = of("k6");
  expect(ofSlope.latencyMs).toMatchObject({ min: 0.25, p50: 1.25, p999: 5.25, max: 6.25, count: 200 });
  expect(ofSlope.scenarios[0]).toMatchObject({ name: "orders", lateStartMs: 0.75 });
  expect(of("node").latencyMs).toEqual(summary.latencyMs);
  expect(summaryOf(plan, settings, "k6", SPAN, { metrics: late }).latencyMs).toEqual(summary.latencyMs);
});

test("prints the objectives that were missed", () => {
  const missed = missedOf(
    objectivesOf(plan),
    ({ figure, stat, most }) => (metrics[figure]?.values[stat] ?? 0) > most,
  );
  expect(missed).toEqual(["orders_failed rate<=0.001", "dropped_iterations{scenario:orders} count<=0"]);
  const text = summaryText(summary, missed);
  expect(text).toContain("v2, constant at 40 requests/s of 10 orders");
  expect(text).toContain("1990 acknowledged   10 refused");
  expect(text).toContain("not met: orders_failed rate<=0.001, dropped_iterations");
  expect(summaryText(summary, [])).toContain("every objective is met");
  expect(summaryText(summary, ["schedule_lag{scenario:orders} p(99)<=10"])).toContain(
    "the generator was late",
  );
  expect(summaryText(summaryOf(plan, settings, "k6", SPAN, { metrics: {} }), [])).toContain(
    "nothing was measured",
  );
});

test("states the achieved rate over what was measured, without the warm-up", () => {
  expect(summary.seconds).toBe(5);
  expect(summaryText(summary, [])).toContain("398.0 orders/s acknowledged over 5.0 s");
  const early = { ...SPAN, endedAtMs: SPAN.startedAtMs + 4_000 };
  expect(summaryOf(plan, settings, "node", early, { metrics }).seconds).toBe(2);
  const atOnce = { ...SPAN, endedAtMs: SPAN.startedAtMs };
  expect(summaryText(summaryOf(plan, settings, "node", atOnce, { metrics }), [])).toContain("- orders/s");
});
