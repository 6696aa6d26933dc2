import { expect, test } from "vitest";
import { type Fate, openLedger } from "./ledger.ts";

const sent = { drink: "latte", store: "uptown", cents: 450, timestamp: null };
const fateAfter = (...replies: Fate[]): Fate | undefined => {
  const ledger = openLedger();
  ledger.add("a", sent, 0);
  for (const reply of replies) ledger.told("a", reply);
  return ledger.get("a")?.fate;
};

test.each<[Fate[], Fate]>([
  [[], "refused"],
  [["refused", "refused"], "refused"],
  [["unknown", "refused"], "unknown"],
  [["refused", "unknown", "acknowledged"], "acknowledged"],
  [["acknowledged", "unknown", "refused"], "acknowledged"],
])("after %j an order is %s", (replies, fate) => {
  expect(fateAfter(...replies)).toBe(fate);
});

test("the first acknowledgement counts for its latency", () => {
  const ledger = openLedger();
  const entry = ledger.add("a", sent, 0);
  ledger.told("a", "acknowledged");
  const first = entry.acknowledgedMs;
  ledger.told("a", "acknowledged");
  expect(first).not.toBeNull();
  expect(entry.acknowledgedMs).toBe(first);
});
