import { expect, test } from "vitest";
import { freshnessIn, freshnessLine, requestIn, requestLine } from "./sample-lines.ts";

test("lines come back as they were written", () => {
  const sample = {
    scenario: 1,
    iteration: 4_711,
    lagMs: 0.2,
    latencyMs: 12.3,
    outcome: "refused",
    startedAtMs: null,
  } as const;
  expect(requestLine(sample)).toBe("o,1,4711,0.2,12.3,r");
  expect(requestIn(requestLine(sample))).toEqual(sample);
  const first = { ...sample, iteration: 0, outcome: "acknowledged", startedAtMs: 1_763_700_000_123 } as const;
  expect(requestIn(requestLine(first))).toEqual(first);
  const seen = { atMs: 1_763_700_000_123, freshnessMs: 87.5 };
  expect(freshnessIn(freshnessLine(seen))).toEqual(seen);
});

test("other lines are nobody's", () => {
  for (const line of ["", '{"ledger":1}', "o,1,2,3,4,x", "level=info"])
    expect([requestIn(line), freshnessIn(line)]).toEqual([null, null]);
});
