/** The frames of the server and the client that applies them, over channels made by fast-check. */
import fc from "fast-check";
import { Value } from "typebox/value";
import { expect, test } from "vitest";
import { afterReconnect, NOTHING_HELD, take } from "#shared/client/reduce.ts";
import { type Board, EMPTY_VIEW, RECENT_ORDERS, type RecentOrder, type View } from "#shared/domain/board.ts";
import {
  type Dashboard,
  dashboardOf,
  type LiveDelta,
  type LiveFrame,
  type LiveSnapshot,
  type ModeStatus,
} from "#shared/domain/dashboard.ts";
import { liveDelta, liveHeartbeat, liveSnapshot } from "#shared/wire/dashboard.ts";
import { type Frame, openFrames } from "./frames.ts";

const START = Date.UTC(2026, 0, 15, 10, 59, 50);
const ok: Record<string, ModeStatus> = { v2: { lagOrders: 0, oldestPendingMs: 0, health: "ok" } };

type Fate = { copies: number; delay: number; answers: boolean; reconnects: boolean; otherReads: boolean };
type Moment = { board: Board; nowMs: number; statuses: Record<string, ModeStatus> };
const first: Moment = {
  board: {
    epoch: 1,
    version: 0,
    asOfUs: START * 1_000,
    storesAsOfUs: START * 1_000,
    hourStartMs: START - (START % 3_600_000),
    views: { all: EMPTY_VIEW, v2: EMPTY_VIEW },
  },
  nowMs: START,
  statuses: ok,
};
const dashboardAt = ({ board, nowMs, statuses }: Moment): Dashboard =>
  dashboardOf(board, "all", statuses, nowMs);
const decoded = <T extends LiveFrame>(frame: Frame | null): T =>
  JSON.parse(String(frame?.data ?? expect.fail("a frame"))) as T;

let ids = 0;
const orderAt = (acceptedAtMs: number): RecentOrder => ({
  id: `order ${ids++}`,
  drink: "latte",
  store: "uptown",
  cents: 450,
  eventTimeMs: acceptedAtMs,
  acceptedAtMs,
});

/** The recent orders of all modes are made of theirs. */
const viewsOf = (v2: View): Board["views"] => ({ all: { ...v2, recent: [] }, v2 });

/** `late` of the new orders were accepted before some that are there already. */
const sold = (moment: Moment, count: number, late: number, afterMs = 100): Moment => {
  const nowMs = moment.nowMs + afterMs;
  const view = moment.board.views["v2"] ?? EMPTY_VIEW;
  const fresh = Array.from({ length: count }, (_, index) =>
    orderAt(index < late ? nowMs - 150 - index : nowMs - index),
  );
  const recent = [...fresh, ...view.recent]
    .sort((a, b) => b.acceptedAtMs - a.acceptedAtMs)
    .slice(0, RECENT_ORDERS);
  const orders = view.hour.orders + count;
  const next = { ...view, orders, hour: { orders, cents: orders * 450 }, ratePerSecond: count, recent };
  const board = { ...moment.board, asOfUs: nowMs * 1_000, views: viewsOf(next) };
  return { ...moment, nowMs, board: { ...board, version: board.version + (count > 0 ? 1 : 0) } };
};
const restored = (moment: Moment, kept: number): Moment => {
  const view = moment.board.views["v2"] ?? EMPTY_VIEW;
  const next = { ...view, orders: kept, recent: view.recent.slice(-kept) };
  const { board } = moment;
  return { ...moment, board: { ...board, epoch: board.epoch + 1, version: kept, views: viewsOf(next) } };
};

test("frames conform to their schemas and have the data of the dashboard", () => {
  const frames = openFrames(() => undefined);
  const shown = dashboardAt(sold(first, 3, 0));
  expect(frames.next(dashboardAt(first), false)?.kind).toBe("snapshot");
  const delta = decoded<LiveDelta>(frames.next(shown, false));
  const snapshot = decoded<LiveSnapshot>(frames.snapshot());
  expect(Value.Check(liveDelta, delta)).toBe(true);
  expect(Value.Check(liveSnapshot, snapshot)).toBe(true);
  expect(Value.Check(liveHeartbeat, decoded(frames.heartbeat()))).toBe(true);
  expect(Value.Check(liveDelta, { ...delta, previous: undefined })).toBe(false);
  expect(Value.Check(liveSnapshot, { ...snapshot, data: delta.data })).toBe(false);
  expect(snapshot.data).toEqual(shown);
  const { seq, epoch, version, as_of } = snapshot;
  expect({ seq, previous: 1, epoch, version, as_of }).toEqual({
    seq: 2,
    previous: 1,
    epoch: shown.epoch,
    version: shown.version,
    as_of: shown.as_of,
  });
  expect(delta).toMatchObject({ seq: 2, previous: 1, epoch: 1, version: 1, as_of: shown.as_of });
  expect(Object.keys(delta.data)).not.toContain("top5_drinks");
  expect(delta.data.recent_orders).toEqual(shown.recent_orders);
});

test("a delta has only the new orders, and late ones among known ones", () => {
  const frames = openFrames(() => undefined);
  const before = sold(first, 20, 0);
  frames.next(dashboardAt(before), false);
  const after = sold(before, 2, 0);
  expect(decoded<LiveDelta>(frames.next(dashboardAt(after), false)).data.recent_orders).toHaveLength(2);
  const late = dashboardAt(sold(after, 1, 1));
  const { recent_orders } = decoded<LiveDelta>(frames.next(late, false)).data;
  expect(recent_orders?.length).toBeGreaterThan(1);
  expect(recent_orders).toEqual(late.recent_orders.slice(0, recent_orders?.length));
});

test("the clock alone makes no frame; rates and lag make one only when drift counts", () => {
  const frames = openFrames(() => undefined);
  frames.next(dashboardAt(first), false);
  const later = { ...first, nowMs: START + 900, board: { ...first.board, asOfUs: (START + 900) * 1_000 } };
  expect(frames.next(dashboardAt(later), true)).toBeNull();
  // the times of a snapshot are current
  expect(decoded<LiveSnapshot>(frames.snapshot())).toMatchObject({
    seq: 1,
    as_of: "2026-01-15T10:59:50.900Z",
    data: { server_timestamp: "2026-01-15T10:59:50.900Z", as_of: "2026-01-15T10:59:50.900Z" },
  });
  const lagging = { ...later, statuses: { v2: { lagOrders: 9, oldestPendingMs: 5, health: "ok" as const } } };
  expect(frames.next(dashboardAt(lagging), false)).toBeNull();
  const delta = decoded<LiveDelta>(frames.next(dashboardAt(lagging), true));
  expect(Object.keys(delta.data).sort()).toEqual(["as_of", "modes", "server_timestamp"]);
});

test("a new hour, a stale board and a change of health make frames", () => {
  const frames = openFrames(() => undefined);
  const shown = sold(first, 3, 0);
  frames.next(dashboardAt(shown), false);
  const turned = { ...shown, nowMs: START + 10_000 };
  expect(decoded<LiveDelta>(frames.next(dashboardAt(turned), false)).data).toMatchObject({
    current_hour: null,
    hour_start: "2026-01-15T11:00:00.000Z",
    stale: true,
  });
  const down: Moment = {
    ...turned,
    statuses: { v2: { lagOrders: null, oldestPendingMs: null, health: "unavailable" } },
  };
  expect(decoded<LiveDelta>(frames.next(dashboardAt(down), true)).data.modes).toMatchObject({
    v2: { health: "unavailable" },
  });
});

test("missing orders, as after a restore, make a snapshot", () => {
  const frames = openFrames(() => undefined);
  const before = sold(first, 9, 0);
  frames.next(dashboardAt(before), false);
  const frame = decoded<LiveSnapshot>(frames.next(dashboardAt(restored(before, 2)), false));
  expect(frame).toMatchObject({ type: "snapshot", seq: 2, epoch: 2, version: 2 });
  expect(frame.data.recent_orders).toHaveLength(2);
});

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("sold"), count: fc.nat(60), late: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("time"), count: fc.nat(9_000), late: fc.constant(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restored"), count: fc.nat(9), late: fc.constant(0) }),
  },
);
/** What the channel does with a frame, whether it answers a resync, and whether the other process has read the board. */
const fate = fc.record({
  copies: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.constant(0), fc.constant(2)),
  delay: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(3)),
  answers: fc.boolean(),
  reconnects: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
  otherReads: fc.boolean(),
});

const after = (
  moment: Moment,
  { kind, count, late }: { kind: string; count: number; late: number },
): Moment => {
  if (kind === "sold") return sold(moment, count, Math.min(late, count));
  return kind === "time" ? { ...moment, nowMs: moment.nowMs + count } : restored(moment, count);
};

/** A client that never shows less than it did, and the frames on their way to it. */
const openClient = () => {
  let held = NOTHING_HELD;
  let asked = false;
  let underWay: { frame: LiveFrame; wait: number }[] = [];
  const deliver = (frame: LiveFrame): void => {
    const before = held.dashboard;
    const taken = take(held, frame, START);
    held = taken.held;
    asked ||= taken.ask;
    const shown = held.dashboard;
    if (before && shown && shown.epoch <= before.epoch) {
      expect(shown.epoch).toBe(before.epoch);
      expect(shown.version).toBeGreaterThanOrEqual(before.version);
    }
  };
  return {
    deliver,
    put: (frame: LiveFrame, wait: number): void => void underWay.push({ frame, wait }),
    pass: (): void => {
      const due = underWay.filter(({ wait }) => wait <= 0);
      underWay = underWay
        .filter(({ wait }) => wait > 0)
        .map(({ frame, wait }) => ({ frame, wait: wait - 1 }));
      for (const { frame } of due) deliver(frame);
    },
    reconnect: (): void => {
      underWay = [];
      held = afterReconnect(held);
    },
    isIdle: () => underWay.length === 0,
    hasAsked: (): boolean => {
      const wasAsked = asked;
      asked = false;
      return wasAsked;
    },
    held: () => held,
  };
};

const content = ({ server_timestamp, as_of, ...rest }: Dashboard): object => rest;

test("with lost, doubled or reordered frames the client never goes back, and a resync restores the state", () => {
  const run = (steps: [{ kind: string; count: number; late: number }, Fate][]): void => {
    // two processes read the same boards, one perhaps later; a reconnect leads to the other, whose chain is its own
    let [here, other] = [openFrames(() => undefined), openFrames(() => undefined)];
    let moment = first;
    const client = openClient();
    for (const frames of [here, other]) frames.next(dashboardAt(moment), true);
    client.deliver(decoded(here.snapshot()));
    for (const [what, { copies, delay, answers, reconnects, otherReads }] of steps) {
      moment = after(moment, what);
      const frame = here.next(dashboardAt(moment), true) ?? here.heartbeat();
      if (otherReads) other.next(dashboardAt(moment), true);
      for (let copy = 0; copy < copies; copy++) client.put(decoded(frame), delay + copy);
      if (reconnects) {
        [here, other] = [other, here];
        client.reconnect();
        if (copies > 0) client.deliver(decoded(here.snapshot()));
      }
      client.pass();
      if (answers && client.hasAsked()) client.put(decoded(here.snapshot()), delay);
    }
    while (!client.isIdle()) client.pass();
    here.next(dashboardAt(moment), true);
    client.hasAsked();
    client.deliver(decoded(here.heartbeat()));
    if (client.hasAsked()) client.deliver(decoded(here.snapshot()));
    const { data } = decoded<LiveSnapshot>(here.snapshot());
    expect(content(client.held().dashboard ?? expect.fail("a dashboard"))).toEqual(content(data));
    expect(client.held()).toMatchObject({ behind: false, seq: expect.any(Number) });
  };
  fc.assert(fc.property(fc.array(fc.tuple(step, fate), { maxLength: 40 }), run), { numRuns: 300 });
});
