import { expect, test } from "vitest";
import { outcomeOf, outcomesOf } from "./outcome.ts";

const reply = (status: number, body: object | string, isReplay = false) => ({
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  isReplay,
});
const failed = (outcome: string, status: number, type: string) => ({
  acknowledged: 0,
  replayed: 0,
  failure: { outcome, status, type },
});

test("counts a single order as acknowledged with 200, 201 and 202 only", () => {
  for (const status of [200, 201, 202])
    expect(outcomesOf(reply(status, ""), 1)).toEqual({ acknowledged: 1, replayed: 0, failure: null });
  expect(outcomesOf(reply(200, "", true), 1)).toMatchObject({ acknowledged: 1, replayed: 1 });
  for (const status of [0, 204, 301, 500, 502])
    expect(outcomesOf(reply(status, ""), 1)).toEqual(failed("unknown", status, ""));
});

test("counts an order as refused only where the reply says that it was not accepted", () => {
  for (const type of ["queue-full", "timeout", "lag", "overloaded", "closing"])
    expect(outcomesOf(reply(503, { type }), 1)).toEqual(failed("refused", 503, type));
  for (const type of ["backend-away", "outcome-unknown", "something-new"])
    expect(outcomesOf(reply(503, { type }), 10)).toEqual(failed("unknown", 503, type));
  const early = { type: "backend-away", detail: "Kafka keeps messages too short; not taken" };
  expect(outcomesOf(reply(503, early), 1)).toEqual(failed("refused", 503, "backend-away"));
  expect(outcomesOf(reply(503, "<html>"), 1)).toEqual(failed("unknown", 503, ""));
  // only with the API's own status
  expect(outcomesOf(reply(500, { type: "queue-full" }), 1)).toEqual(failed("unknown", 500, "queue-full"));
  expect(outcomesOf(reply(422, { type: "invalid" }), 1)).toEqual(failed("refused", 422, "invalid"));
  expect(outcomesOf(reply(404, ""), 1)).toEqual(failed("refused", 404, ""));
});

test("lists the rejected positions of a batch, each once", () => {
  const ids = ["a", "b"];
  const whole = (replayed: number) => ({ acknowledged: 2, replayed, failure: null });
  expect(outcomesOf(reply(202, { ids, replayed: 0, rejected: [] }), 2)).toEqual(whole(0));
  expect(outcomesOf(reply(201, { ids, replayed: 2, rejected: [] }), 2)).toEqual(whole(2));
  const rejected = [
    { index: 1, field: "drink", reason: "x" },
    { index: 1, field: "store", reason: "x" },
    { index: 4, field: "id", reason: "x" },
  ];
  const partial = outcomesOf(reply(201, { ids, replayed: 0, rejected }), 5);
  expect(partial).toEqual({
    acknowledged: 3,
    replayed: 0,
    failure: { outcome: "refused", status: 201, type: "rejected", items: [1, 4] },
  });
  expect([outcomeOf(partial), outcomeOf(whole(0))]).toEqual(["unknown", "acknowledged"]);
  expect(outcomeOf(outcomesOf(reply(422, ""), 5))).toBe("refused");
});

test("counts a batch as unknown when its acknowledgement cannot be parsed", () => {
  expect(outcomesOf(reply(202, '{"ids":["a'), 2)).toEqual(failed("unknown", 202, ""));
});
