import { expect, test } from "vitest";
import { countOutcomes, openLedger } from "./account.ts";

const body = { drink: "latte", store: "uptown", cents: 450, timestamp: null };

test.each([
  [[], "refused"],
  [["refused", "refused"], "refused"],
  [["unknown", "refused"], "unknown"],
  [["refused", "unknown", "acknowledged"], "acknowledged"],
  [["acknowledged", "unknown", "refused"], "acknowledged"],
] as const)("after the replies %j an order is %s", (replies, outcome) => {
  const ledger = openLedger();
  ledger.add({ id: "a", ...body }, 0);
  for (const reply of replies) ledger.record("a", reply);
  expect(ledger.get("a")?.outcome).toBe(outcome);
  expect(countOutcomes(ledger)).toEqual({ acknowledged: 0, refused: 0, unknown: 0, unsent: 0, [outcome]: 1 });
});

test("keeps the time of the first acknowledgement", () => {
  const ledger = openLedger();
  const entry = ledger.add({ id: "a", ...body }, 0);
  ledger.record("a", "acknowledged");
  const first = entry.acknowledgedMs;
  ledger.record("a", "acknowledged");
  expect(first).not.toBeNull();
  expect(entry.acknowledgedMs).toBe(first);
});
