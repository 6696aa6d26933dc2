import { expect, test } from "vitest";
import { followed, headOf, openStoreCounts } from "./live.ts";

const HOUR = "2026-11-21T10:00:00.000Z";
const frame = (type: string, seq: number, data: object): string => {
  const position = `"seq":${seq},"epoch":1,"version":20,"as_of":"2026-11-21T10:00:00.250Z"`;
  const previous = type === "delta" ? `,"previous":${seq - 1}` : "";
  return `{"type":"${type}",${position}${previous},"data":${JSON.stringify(data)}}`;
};
const sold = (...counts: readonly (readonly [string, number])[]) => ({
  hour_stores: counts.map(([store, orders]) => ({ store, orders, revenue: "1.00" })),
});
const orders = [{ id: "1", drink: "latte", store: 'a "hour_stores":[] inn', price: 4 }];

test("keeps the counts of the probe stores when a delta does not contain them", () => {
  const counts = openStoreCounts(["a", "b"]);
  const snapshot = { hour_start: HOUR, recent_orders: orders, ...sold(["a", 1], ["other", 9]) };
  const first = counts.take(frame("snapshot", 1, snapshot));
  expect(first).toEqual({ shown: { hour: HOUR, orders: new Map([["a", 1]]) }, ask: false });
  const second = counts.take(frame("delta", 2, { recent_orders: orders }));
  expect(second.shown).toEqual(first.shown);
  const next = { hour_start: "2026-11-21T11:00:00.000Z", ...sold(["b", 2]) };
  expect(counts.take(frame("delta", 3, next)).shown).toEqual({
    hour: "2026-11-21T11:00:00.000Z",
    orders: new Map([["b", 2]]),
  });
});

test("requests one snapshot after a gap, and shows nothing until it arrives", () => {
  const counts = openStoreCounts(["a"]);
  counts.take(frame("snapshot", 1, { hour_start: HOUR, ...sold(["a", 1]) }));
  expect(counts.take(frame("delta", 3, sold(["a", 3])))).toEqual({ shown: null, ask: true });
  expect(counts.take(frame("delta", 4, sold(["a", 4])))).toEqual({ shown: null, ask: false });
  expect(counts.take(frame("snapshot", 4, { hour_start: HOUR, ...sold(["a", 4]) })).shown?.orders).toEqual(
    new Map([["a", 4]]),
  );
});

test("ignores repeated frames, heartbeats and other texts", () => {
  const counts = openStoreCounts(["a"]);
  counts.take(frame("snapshot", 5, { hour_start: HOUR, ...sold(["a", 5]) }));
  for (const text of [frame("delta", 5, sold(["a", 4])), frame("heartbeat", 5, {}), "{}"])
    expect(counts.take(text)).toEqual({ shown: null, ask: false });
  counts.reconnected();
  expect(counts.take(frame("delta", 6, sold(["a", 6])))).toEqual({ shown: null, ask: false });
});

test("reads a store whose name contains a bracket", () => {
  const counts = openStoreCounts(["a]b", "c"]);
  const taken = counts.take(frame("snapshot", 1, { hour_start: HOUR, ...sold(["a]b", 1], ["c", 2]) }));
  expect(taken.shown?.orders).toEqual(
    new Map([
      ["a]b", 1],
      ["c", 2],
    ]),
  );
});

const delta = (seq: number, previous: number) =>
  `{"type":"delta","seq":${seq},"epoch":1,"version":20,"as_of":"2026-11-21T10:00:00.250Z","previous":${previous},"data":{"rate":2}}`;

test("reads the head of a frame as the API writes it", () => {
  const asOfMs = Date.UTC(2026, 10, 21, 10, 0, 0, 250);
  expect(headOf(delta(8, 7))).toEqual({ type: "delta", seq: 8, previous: 7, asOfMs });
  expect(
    headOf('{"type":"snapshot","seq":1,"epoch":0,"version":0,"as_of":null,"data":{"previous":3}}'),
  ).toEqual({ type: "snapshot", seq: 1, previous: null, asOfMs: null });
  expect(headOf('{"current_hour":null}')).toBeNull();
});

test("reports one gap for a delta that does not follow, until the snapshot arrives", () => {
  const take = (held: number | null, frame: string) => {
    const head = headOf(frame);
    if (head === null) throw new Error(`no head: ${frame}`);
    return followed(held, head);
  };
  expect(take(7, delta(8, 7))).toEqual({ held: 8, isGap: false });
  expect(take(7, delta(9, 8))).toEqual({ held: null, isGap: true });
  expect(take(null, delta(10, 9))).toEqual({ held: null, isGap: false });
  const snapshot = '{"type":"snapshot","seq":10,"epoch":0,"version":0,"as_of":null,"data":{}}';
  expect(take(null, snapshot)).toEqual({ held: 10, isGap: false });
  expect(take(10, delta(10, 9))).toEqual({ held: 10, isGap: false });
});
