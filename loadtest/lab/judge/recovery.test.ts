import { expect, test } from "vitest";
import type { Request } from "../generators/output.ts";
import { faultOf } from "./recovery.ts";

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
  const struck = { what: "kill-api", fromMs: 5_000, untilMs: 6_000 };
  expect(faultOf(struck, requests, visible, 20_000)).toEqual({
    ...{ what: "kill-api", downtimeSeconds: 2, recoverySeconds: 1 },
  });
});

test("a dashboard that stays stale has not recovered, however fast replies are", () => {
  const { requests, visible } = madeUp(5_000, 5_000, 12_000);
  const struck = { what: "kill-worker", fromMs: 5_000, untilMs: 5_300 };
  const { downtimeSeconds, recoverySeconds } = faultOf(struck, requests, visible, 20_000);
  expect(downtimeSeconds).toBe(0);
  expect(recoverySeconds).toBeCloseTo(6.7, 1);
});

test("what does not recover says so", () => {
  const { requests, visible } = madeUp(5_000, 20_000);
  const struck = { what: "restart-backend", fromMs: 5_000, untilMs: 6_000 };
  expect(faultOf(struck, requests, visible, 20_000)).toEqual({
    what: "restart-backend",
    downtimeSeconds: 14.99,
    recoverySeconds: null,
  });
});
