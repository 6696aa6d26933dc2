import { expect, test } from "vitest";
import type { Request, Told } from "../generators/output.ts";
import type { Second } from "../run/results.ts";
import { backlogGrew, secondsOf } from "./seconds.ts";
import { lookAt } from "./usage.fixture.ts";

const START_MS = 10_000;
const request = (atMs: number, latencyMs: number, outcome: Request["outcome"] = "acknowledged"): Request => ({
  plannedAtMs: START_MS + atMs,
  lagMs: 0.1,
  latencyMs,
  outcome,
});
const told = (requests: readonly Request[], visible: Told["visible"] = []): Told => ({
  startMs: START_MS,
  requests,
  visible,
  notAcknowledged: [],
  dropped: 0,
});

test("a second has what was planned in it, seen in it, and known at its end", () => {
  const looks = [
    lookAt(START_MS, { api: 1 }, { api: 5 }, 7),
    lookAt(START_MS + 1_000, { api: 1.5 }, { api: 6 }, 9),
  ];
  const requests = [request(0, 10), request(900, 1_200), request(950, 30, "refused"), request(1_000, 5)];
  const [first, second, ...more] = secondsOf(
    told(requests, [{ atMs: START_MS + 1_100, freshnessMs: 120 }]),
    looks,
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
  const looks = [
    lookAt(START_MS + 500, {}, {}, 40),
    lookAt(START_MS + 1_500, {}),
    lookAt(START_MS + 2_500, {}),
  ];
  expect(secondsOf(told([]), looks, "v2").map(({ lagOrders }) => lagOrders)).toEqual([40, 40, 40]);
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
