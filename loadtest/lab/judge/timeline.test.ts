import { expect, test } from "vitest";
import type { GeneratorOutput, Request } from "../generators/output.ts";
import type { Second } from "../run/results.ts";
import { backlogGrew, faultOf, secondsOf } from "./timeline.ts";
import { lookAt } from "./usage.fixture.ts";

const START_MS = 10_000;
const request = (atMs: number, latencyMs: number, outcome: Request["outcome"] = "acknowledged"): Request => ({
  plannedAtMs: START_MS + atMs,
  lagMs: 0.1,
  latencyMs,
  outcome,
});
const output = (requests: readonly Request[], visible: GeneratorOutput["visible"] = []): GeneratorOutput => ({
  startMs: START_MS,
  requests,
  visible,
  notAcknowledged: [],
  dropped: 0,
});

test("a second has what was planned in it, seen in it, and known at its end", () => {
  const samples = [
    lookAt(START_MS, { api: 1 }, { api: 5 }, 7),
    lookAt(START_MS + 1_000, { api: 1.5 }, { api: 6 }, 9),
  ];
  const requests = [request(0, 10), request(900, 1_200), request(950, 30, "refused"), request(1_000, 5)];
  const [first, second, ...more] = secondsOf(
    output(requests, [{ atMs: START_MS + 1_100, freshnessMs: 120 }]),
    samples,
    "v2",
  );
  expect(first).toEqual({
    ...{ t: 0, sent: 3, acknowledged: 2, refused: 1, ackP50: 10, ackP99: 1_200 },
    ...{ freshP50: null, freshP99: null, lagOrders: 9, cpu: { api: 0.5 }, rss: { api: 6 } },
  });
  expect(second).toMatchObject({ t: 1, sent: 1, ackP99: 5, freshP50: 120, freshP99: 120, lagOrders: 9 });
  expect(more).toEqual([]);
});

test("an API that does not answer leaves the backlog as it was last known", () => {
  const samples = [
    lookAt(START_MS + 500, {}, {}, 40),
    lookAt(START_MS + 1_500, {}),
    lookAt(START_MS + 2_500, {}),
  ];
  expect(secondsOf(output([]), samples, "v2").map(({ lagOrders }) => lagOrders)).toEqual([40, 40, 40]);
});

const lagging = (lagAt: (t: number) => number): Second[] =>
  Array.from({ length: 40 }, (_, t) => ({ t, lagOrders: lagAt(t) }) as Second);
const load = { seconds: 30, ordersPerSecond: 1_000 };

test("a backlog grows when more comes in than is counted, and not when it only swings", () => {
  expect(
    backlogGrew(
      lagging((t) => 60 * t),
      load,
    ),
  ).toBe(true);
  expect(
    backlogGrew(
      lagging((t) => 40 * t),
      load,
    ),
  ).toBe(false);
  expect(
    backlogGrew(
      lagging((t) => (t % 2) * 900),
      load,
    ),
  ).toBe(false);
  expect(
    backlogGrew(
      lagging(() => 90_000),
      load,
    ),
  ).toBe(false);
  // what drains after the load says nothing of the load
  expect(
    backlogGrew(
      lagging((t) => (t >= 30 ? 1e6 : 0)),
      load,
    ),
  ).toBe(false);
  expect(backlogGrew([], load)).toBe(false);
});

/** A request every 10 ms for 20 s; those planned while it is down fail, and what is posted then is not fresh. */
const madeUp = (downFromMs: number, downUntilMs: number, staleUntilMs = downUntilMs) => {
  const requests = Array.from({ length: 2_000 }, (_, index): Request => {
    const plannedAtMs = index * 10;
    const isDown = plannedAtMs >= downFromMs && plannedAtMs < downUntilMs;
    return { plannedAtMs, lagMs: 0, latencyMs: 5, outcome: isDown ? "unknown" : "acknowledged" };
  });
  const visible = Array.from({ length: 200 }, (_, index) => ({
    atMs: index * 100,
    freshnessMs: index * 100 >= downFromMs && index * 100 < staleUntilMs ? 3_000 : 150,
  }));
  return { requests, visible };
};

test("downtime is how long nothing was acknowledged, recovery counts from when it ran again", () => {
  const { requests, visible } = madeUp(5_000, 7_000);
  const injected = { what: "kill-api", fromMs: 5_000, untilMs: 6_000 };
  expect(faultOf(injected, requests, visible, 20_000)).toEqual({
    ...{ what: "kill-api", downtimeSeconds: 2, recoverySeconds: 1 },
  });
});

test("a dashboard that stays stale has not recovered, however fast replies are", () => {
  const { requests, visible } = madeUp(5_000, 5_000, 12_000);
  const injected = { what: "kill-worker", fromMs: 5_000, untilMs: 5_300 };
  const { downtimeSeconds, recoverySeconds } = faultOf(injected, requests, visible, 20_000);
  expect(downtimeSeconds).toBe(0);
  expect(recoverySeconds).toBeCloseTo(6.7, 1);
});

test("what does not recover says so", () => {
  const { requests, visible } = madeUp(5_000, 20_000);
  const injected = { what: "restart-backend", fromMs: 5_000, untilMs: 6_000 };
  expect(faultOf(injected, requests, visible, 20_000)).toEqual({
    what: "restart-backend",
    downtimeSeconds: 14.99,
    recoverySeconds: null,
  });
});
