import { expect, test } from "vitest";
import type { Outcomes } from "#shared/client/outcome.ts";
import { freshnessIn, freshnessLine, openSettle, requestIn, requestLine } from "./ledger.ts";
import type { Planned } from "./plan.ts";

test("reads samples back as they were written", () => {
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

test("ignores other lines", () => {
  for (const line of ["", '{"ledger":1}', "o,1,2,3,4,x", "level=info"])
    expect([requestIn(line), freshnessIn(line)]).toEqual([null, null]);
});

test("counts outcomes outside the warm-up, and logs every request that was not acknowledged as a whole", () => {
  const counts: Record<string, number> = {};
  const counter = (name: string) => ({
    add: (by: number | boolean) => {
      counts[name] = (counts[name] ?? 0) + Number(by);
    },
  });
  const figures = {
    ordersAcknowledged: counter("acknowledged"),
    ordersReplayed: counter("replayed"),
    ordersRefused: counter("refused"),
    ordersUnknown: counter("unknown"),
    ordersFailed: counter("failed"),
  };
  const lines: string[] = [];
  const settle = openSettle(figures, (line) => lines.push(line));
  const planned = { number: 3 } as Planned;
  const unknown = { outcome: "unknown", status: 0, type: "" } as const;
  const lost: Outcomes = { acknowledged: 0, replayed: 0, failure: unknown };
  const rejected = { outcome: "refused", status: 201, type: "rejected", items: [1] } as const;
  settle(planned, 0, 5, lost, true);
  settle(planned, 1, 5, lost);
  settle(planned, 2, 5, { acknowledged: 4, replayed: 1, failure: rejected });
  settle(planned, 3, 5, { acknowledged: 5, replayed: 0, failure: null });
  expect(counts).toEqual({ acknowledged: 9, replayed: 1, refused: 1, unknown: 5, failed: 2 });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { ledger: 1, scenario: 3, iteration: 0, ...unknown },
    { ledger: 1, scenario: 3, iteration: 1, ...unknown },
    { ledger: 1, scenario: 3, iteration: 2, ...rejected },
  ]);
});
