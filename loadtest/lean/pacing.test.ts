import { expect, test } from "vitest";
import { paced } from "./pacing.ts";

const every = (ms: number) => (iteration: number) => iteration * ms;

test("each arrival goes once, in its turn and never before its time", async () => {
  const startMs = performance.now();
  const gone: { iteration: number; early: number }[] = [];
  const count = await paced(
    {
      ...{ offsetOf: every(0.5), durationMs: 60, mayGo: () => true },
      send: (iteration, offsetMs) =>
        gone.push({ iteration, early: offsetMs - (performance.now() - startMs) }),
    },
    startMs,
  );
  expect(count).toBe(120);
  expect(gone.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 120 }, (_, index) => index));
  expect(Math.max(...gone.map(({ early }) => early))).toBeLessThanOrEqual(0);
});

test("without room they wait, none is left out, and it is told since when there is room", async () => {
  const startMs = performance.now();
  const rooms: number[] = [];
  const count = await paced(
    {
      offsetOf: every(1),
      durationMs: 20,
      mayGo: () => performance.now() - startMs > 40,
      send: (_iteration, _offsetMs, roomSinceMs) => rooms.push(roomSinceMs),
    },
    startMs,
  );
  expect([count, rooms.length]).toEqual([20, 20]);
  for (const roomSinceMs of rooms) expect(roomSinceMs).toBeGreaterThan(30);
  expect(performance.now() - startMs).toBeGreaterThan(40);
});
