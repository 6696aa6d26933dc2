import { expect, test } from "vitest";
import { countOutcomes } from "../../../dev/system/account.ts";
import { orderId } from "../../k6/lib/ids.ts";
import { contentsOf } from "../../k6/lib/orders.ts";
import type { Summary } from "../../k6/lib/summary.ts";
import { accountOf } from "./account.ts";

const run = { run: 9, runStartMs: 1e12, seed: 3 };
const catalogue = { stores: ["uptown", "probe-1"], drinks: ["latte", "mocha"], probeStores: ["probe-1"] };
const orders = { number: 1, iterations: 4, customers: "anybody", ordersPerIteration: 5 };
const probe = { number: 5, iterations: 3, customers: "anybody", ordersPerIteration: 1 };
const readers = { number: 6, iterations: 9, customers: "app", ordersPerIteration: 0 };
const summary = { ...run, scenarios: [orders, readers, probe] } as unknown as Summary;

test("finds each order by its id, with the content that was sent", () => {
  const account = accountOf(summary, [], catalogue);
  expect(account.size).toBe(4 * 5 + 3);
  let index = 0;
  for (const scenario of [orders, probe]) {
    const contentOf = contentsOf({ seed: run.seed, ...catalogue, scenario });
    for (let iteration = 0; iteration < scenario.iterations; iteration++)
      for (let item = 0; item < scenario.ordersPerIteration; item++, index++) {
        const id = orderId(run.run, scenario.number, iteration, item, run.runStartMs);
        const { drink, store, priceCents } = contentOf(iteration, item);
        expect(account.indexOf(id)).toBe(index);
        expect(account.idAt(index)).toBe(id);
        expect(account.bodiesAt(index)).toEqual([{ drink, store, cents: priceCents, timestamp: null }]);
      }
  }
});

test.each([
  ["another run", orderId(8, 1, 0, 0, 1e12)],
  ["an unknown scenario", orderId(9, 2, 0, 0, 1e12)],
  ["a scenario without orders", orderId(9, 6, 0, 0, 1e12)],
  ["an iteration beyond the last", orderId(9, 1, 4, 0, 1e12)],
  ["an item beyond the request", orderId(9, 1, 0, 5, 1e12)],
  ["a random id", "01a1fbfe-483e-415c-85c7-0bf011f941b1"],
])("does not know an id of %s", (_, id) => {
  expect(accountOf(summary, [], catalogue).indexOf(id)).toBeUndefined();
});

test("takes outcomes from the generator's log: of whole requests, and of single items", () => {
  const account = accountOf(
    summary,
    [
      { scenario: 1, iteration: 0, outcome: "unknown" },
      { scenario: 1, iteration: 2, outcome: "refused", items: [0, 4] },
      { scenario: 5, iteration: 1, outcome: "unsent" },
    ],
    catalogue,
  );
  expect(countOutcomes(account)).toEqual({ acknowledged: 15, refused: 2, unknown: 5, unsent: 1 });
  const at = (scenario: number, iteration: number, item: number) =>
    account.outcomeAt(account.indexOf(orderId(9, scenario, iteration, item, 1e12)) ?? -1);
  expect(at(1, 0, 3)).toBe("unknown");
  expect(at(1, 2, 4)).toBe("refused");
  expect(at(1, 2, 3)).toBe("acknowledged");
  expect(at(5, 1, 0)).toBe("unsent");
});

test("rejects a log of a scenario that the summary does not have", () => {
  const unknown = [{ scenario: 7, iteration: 0, outcome: "refused" } as const];
  expect(() => accountOf(summary, unknown, catalogue)).toThrow("unknown scenario, 7");
});
