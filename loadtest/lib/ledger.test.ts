import { expect, test } from "vitest";
import { accountOf, ledgerLine } from "./ledger.ts";

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

test("a single order is acknowledged by 201, 202 and 200 alone", () => {
  for (const status of [200, 201, 202])
    expect(accountOf(reply(status, ""), 1)).toEqual({ acknowledged: 1, replayed: 0, failure: null });
  expect(accountOf(reply(200, "", true), 1)).toMatchObject({ acknowledged: 1, replayed: 1 });
  for (const status of [0, 204, 301, 500, 502])
    expect(accountOf(reply(status, ""), 1)).toEqual(failed("unknown", status, ""));
});

test("refused is only what the reply says was not taken", () => {
  for (const type of ["queue-full", "timeout", "lag", "overloaded", "closing"])
    expect(accountOf(reply(503, { type }), 1)).toEqual(failed("refused", 503, type));
  for (const type of ["backend-away", "outcome-unknown", "something-new"])
    expect(accountOf(reply(503, { type }), 10)).toEqual(failed("unknown", 503, type));
  expect(accountOf(reply(503, "<html>"), 1)).toEqual(failed("unknown", 503, ""));
  // a proxy that says queue-full is not the API
  expect(accountOf(reply(500, { type: "queue-full" }), 1)).toEqual(failed("unknown", 500, "queue-full"));
  expect(accountOf(reply(422, { type: "invalid" }), 1)).toEqual(failed("refused", 422, "invalid"));
  expect(accountOf(reply(404, ""), 1)).toEqual(failed("refused", 404, ""));
});

test("of a batch the rejected places are told, each once", () => {
  const ids = ["a", "b"];
  expect(accountOf(reply(202, { ids, replayed: 0, rejected: [] }), 2)).toEqual({
    acknowledged: 2,
    replayed: 0,
    failure: null,
  });
  expect(accountOf(reply(201, { ids, replayed: 2, rejected: [] }), 2)).toEqual({
    acknowledged: 2,
    replayed: 2,
    failure: null,
  });
  const rejected = [
    { index: 1, field: "drink", reason: "x" },
    { index: 1, field: "store", reason: "x" },
    { index: 4, field: "id", reason: "x" },
  ];
  expect(accountOf(reply(201, { ids, replayed: 0, rejected }), 5)).toEqual({
    acknowledged: 3,
    replayed: 0,
    failure: { outcome: "refused", status: 201, type: "rejected", items: [1, 4] },
  });
});

test("an acknowledgement of a batch that cannot be read is unknown", () => {
  expect(accountOf(reply(202, '{"ids":["a'), 2)).toEqual(failed("unknown", 202, ""));
});

test("a line says where the order stood", () => {
  const line = ledgerLine(1, 42, { outcome: "unknown", status: 0, type: "" });
  expect(JSON.parse(line)).toEqual({
    ledger: 1,
    scenario: 1,
    iteration: 42,
    outcome: "unknown",
    status: 0,
    type: "",
  });
});
