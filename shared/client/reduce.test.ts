/** Frame by frame; services/order-api/fanout/frames.test.ts tests every sequence of the server's own frames. */
import { expect, test } from "vitest";
import {
  type Dashboard,
  type DashboardOrder,
  dashboardOf,
  type LiveDelta,
  type LiveFrame,
  type LiveHeartbeat,
  type LiveSnapshot,
} from "../domain/dashboard.ts";
import { type Held, NOTHING_HELD, type Taken, take, withNewOrders } from "./reduce.ts";

const now = Date.UTC(2026, 0, 15, 10);
const position = { epoch: 2, version: 10, as_of: "2026-01-15T10:00:00.000Z" };
const shown = (more: Partial<Dashboard> = {}): Dashboard => ({
  ...dashboardOf(null, "all", {}, now + 250),
  ...position,
  ...more,
});
const snapshot = (more: Partial<LiveSnapshot> = {}): LiveSnapshot => {
  const { seq = 5, epoch = 2, version = 10, as_of = position.as_of } = more;
  const data = shown({ epoch, version, as_of });
  return { type: "snapshot", seq, epoch, version, as_of, data };
};
const delta = (more: Partial<LiveDelta> = {}): LiveDelta => {
  const { version = 11, epoch = 2, data = {} } = more;
  const members = { version, epoch, rate: 7, ...data };
  return { type: "delta", seq: 6, previous: 5, ...position, ...more, version, epoch, data: members };
};
const heartbeat = (more: Partial<LiveHeartbeat> = {}): LiveHeartbeat => ({
  type: "heartbeat",
  seq: 5,
  ...position,
  server_timestamp: "2026-01-15T10:00:01.500Z",
  ...more,
});
const order = (id: string): DashboardOrder => ({
  id,
  drink: "latte",
  store: "uptown",
  price: 4.5,
  timestamp: "",
});

/** The time by a client's clock that is far off. */
const AT = 1_000_000;
const taken = (held: Held, ...frames: LiveFrame[]): Taken =>
  frames.reduce<Taken>((before, frame) => take(before.held, frame, AT), { held, ask: false });
const { held } = taken(NOTHING_HELD, snapshot());

test("holds a snapshot, whose members a delta replaces", () => {
  expect(held).toEqual({ dashboard: snapshot().data, seq: 5, behind: false, dataFromMs: AT - 250 });
  const next = taken(held, delta());
  expect(next.ask).toBe(false);
  expect(next.held.seq).toBe(6);
  expect(next.held.dashboard).toEqual({ ...held.dashboard, version: 11, rate: 7 });
});

test("puts new orders before those held, each once, and keeps 50", () => {
  const many = Array.from({ length: 50 }, (_, index) => order(`old ${index}`));
  const merged = withNewOrders([order("new"), order("old 3")], many);
  expect(merged).toHaveLength(50);
  expect(merged.slice(0, 4).map(({ id }) => id)).toEqual(["new", "old 3", "old 0", "old 1"]);
  expect(merged.filter(({ id }) => id === "old 3")).toHaveLength(1);
});

test("ignores an earlier frame, and requests a snapshot after a gap", () => {
  const next = taken(held, delta()).held;
  for (const old of [delta(), heartbeat({ seq: 5 })])
    expect(taken(next, old)).toEqual({ held: next, ask: false });
  for (const gap of [delta({ seq: 8, previous: 7 }), heartbeat({ seq: 7 })])
    expect(taken(next, gap)).toEqual({ held: { ...next, seq: null }, ask: true });
  // so does every frame until the snapshot: the answer may be lost too
  const waiting = { ...next, seq: null };
  for (const frame of [delta(), heartbeat({ version: 11 })])
    expect(taken(waiting, frame)).toEqual({ held: waiting, ask: true });
});

test("keeps its state while a server is behind, and requests a snapshot once, and when it has caught up", () => {
  const low = snapshot({ seq: 900, version: 9 });
  const first = taken(held, low);
  expect(first).toEqual({ held: { ...held, seq: null, behind: true }, ask: true });
  for (const still of [
    low,
    heartbeat({ seq: 900, version: 9 }),
    delta({ seq: 901, previous: 900, version: 9 }),
  ])
    expect(taken(first.held, still)).toEqual({ held: first.held, ask: false });
  const caughtUp = taken(first.held, heartbeat({ seq: 902, version: 10 }));
  expect(caughtUp).toEqual({ held: { ...held, seq: null, behind: false }, ask: true });
  expect(taken(caughtUp.held, snapshot({ seq: 902 })).held.seq).toBe(902);
});

test("takes a higher epoch with any version, and never a lower one", () => {
  const high = { epoch: 3, version: 0 };
  for (const frame of [snapshot(high), delta(high)])
    expect(taken(held, frame).held.dashboard).toMatchObject(high);
  for (const low of [snapshot({ epoch: 1, version: 99 }), delta({ epoch: 1, version: 99 })])
    expect(taken(held, low).held).toMatchObject({ behind: true, dashboard: { epoch: 2, version: 10 } });
});

test("computes the age by the server's clocks, with each heartbeat", () => {
  expect(taken(held, heartbeat()).held.dataFromMs).toBe(AT - 1_500);
  expect(taken(held, heartbeat({ as_of: "2026-01-15T10:00:01.400Z" })).held.dataFromMs).toBe(AT - 100);
  // with a database clock ahead of the API's the data is new, not from the future
  expect(taken(held, heartbeat({ as_of: "2026-01-15T10:00:09.000Z" })).held.dataFromMs).toBe(AT);
  expect(taken(held, heartbeat({ as_of: null })).held.dataFromMs).toBeNull();
  // one of another seq does not apply to the held state
  expect(taken(held, heartbeat({ seq: 6 })).held.dataFromMs).toBe(AT - 250);
});

test("ignores an unknown kind of frame", () => {
  const later = { type: "weather" } as unknown as LiveFrame;
  expect(taken(held, later)).toEqual({ held, ask: false });
});
