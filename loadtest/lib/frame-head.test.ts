import { expect, test } from "vitest";
import { followed, headOf } from "./frame-head.ts";

const delta = (seq: number, previous: number) =>
  `{"type":"delta","seq":${seq},"epoch":1,"version":20,"as_of":"2026-11-21T10:00:00.250Z","previous":${previous},"data":{"rate":2}}`;

test("heads are read as the API writes them", () => {
  const asOfMs = Date.UTC(2026, 10, 21, 10, 0, 0, 250);
  expect(headOf(delta(8, 7))).toEqual({ type: "delta", seq: 8, previous: 7, asOfMs });
  expect(
    headOf('{"type":"snapshot","seq":1,"epoch":0,"version":0,"as_of":null,"data":{"previous":3}}'),
  ).toEqual({ type: "snapshot", seq: 1, previous: null, asOfMs: null });
  expect(headOf('{"current_hour":null}')).toBeNull();
});

test("a delta that does not follow is a gap, once, until the snapshot that was asked for", () => {
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
