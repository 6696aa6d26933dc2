import { expect, test } from "vitest";
import { openStoreCounts } from "./store-counts.ts";

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

test("counts are those of the wanted stores, and stay where a delta does not tell them", () => {
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

test("a gap asks for a snapshot once, and nothing is shown until it comes", () => {
  const counts = openStoreCounts(["a"]);
  counts.take(frame("snapshot", 1, { hour_start: HOUR, ...sold(["a", 1]) }));
  expect(counts.take(frame("delta", 3, sold(["a", 3])))).toEqual({ shown: null, ask: true });
  expect(counts.take(frame("delta", 4, sold(["a", 4])))).toEqual({ shown: null, ask: false });
  expect(counts.take(frame("snapshot", 4, { hour_start: HOUR, ...sold(["a", 4]) })).shown?.orders).toEqual(
    new Map([["a", 4]]),
  );
});

test("what was shown before, a heartbeat and what is no frame tell nothing", () => {
  const counts = openStoreCounts(["a"]);
  counts.take(frame("snapshot", 5, { hour_start: HOUR, ...sold(["a", 5]) }));
  for (const text of [frame("delta", 5, sold(["a", 4])), frame("heartbeat", 5, {}), "{}"])
    expect(counts.take(text)).toEqual({ shown: null, ask: false });
  counts.reconnected();
  expect(counts.take(frame("delta", 6, sold(["a", 6])))).toEqual({ shown: null, ask: false });
});

test("a name with a bracket is read all the same", () => {
  const counts = openStoreCounts(["a]b", "c"]);
  const taken = counts.take(frame("snapshot", 1, { hour_start: HOUR, ...sold(["a]b", 1], ["c", 2]) }));
  expect(taken.shown?.orders).toEqual(
    new Map([
      ["a]b", 1],
      ["c", 2],
    ]),
  );
});
