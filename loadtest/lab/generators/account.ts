/**
 * What a generator knows about the orders of a run, for the audit. Each order's id holds its scenario, iteration and
 * item, and its content follows from these, so that no table of ids is kept: the generator logs only the orders that
 * were not acknowledged.
 */
import type { Account, Outcome } from "../../../dev/system/account.ts";
import { idsOf, partsOf } from "../../k6/lib/ids.ts";
import { contentsOf } from "../../k6/lib/orders.ts";
import type { Summary } from "../../k6/lib/summary.ts";
import type { LabCatalogue } from "./catalogue.ts";

export type NotAcknowledged = {
  readonly scenario: number;
  readonly iteration: number;
  readonly outcome: Exclude<Outcome, "acknowledged">;
  /** Of a batch that was accepted in part; the whole request without. */
  readonly items?: readonly number[];
};

const OUTCOMES: readonly Outcome[] = ["acknowledged", "refused", "unknown", "unsent"];

export const accountOf = (
  { run, runStartMs, seed, scenarios }: Pick<Summary, "run" | "runStartMs" | "seed" | "scenarios">,
  notAcknowledged: readonly NotAcknowledged[],
  catalogue: Pick<LabCatalogue, "stores" | "drinks" | "probeStores">,
): Account => {
  let size = 0;
  const parts = scenarios
    .filter(({ ordersPerIteration }) => ordersPerIteration > 0)
    .map((scenario) => {
      const first = size;
      size += scenario.iterations * scenario.ordersPerIteration;
      return {
        ...{ number: scenario.number, first, end: size, perRequest: scenario.ordersPerIteration },
        idOf: idsOf(run, scenario.number, runStartMs),
        contentOf: contentsOf({ seed, ...catalogue, scenario }),
      };
    });
  const outcomes = new Uint8Array(size);
  for (const { scenario, iteration, outcome, items } of notAcknowledged) {
    const part = parts.find(({ number }) => number === scenario);
    if (part === undefined) throw new Error(`the generator logged an unknown scenario, ${scenario}`);
    for (const item of items ?? Array.from({ length: part.perRequest }, (_, index) => index))
      outcomes[part.first + iteration * part.perRequest + item] = OUTCOMES.indexOf(outcome);
  }
  const at = (index: number) => {
    const part = parts.find(({ first, end }) => index >= first && index < end);
    if (part === undefined) throw new Error(`the account has no order ${index}`);
    const place = index - part.first;
    return { part, iteration: Math.floor(place / part.perRequest), item: place % part.perRequest };
  };
  return {
    size,
    indexOf: (id) => {
      const found = partsOf(id);
      const part = parts.find(({ number }) => number === found?.scenario);
      if (found?.run !== run || part === undefined || found.item >= part.perRequest) return undefined;
      const index = part.first + found.iteration * part.perRequest + found.item;
      return index < part.end ? index : undefined;
    },
    idAt: (index) => {
      const { part, iteration, item } = at(index);
      return part.idOf(iteration, item);
    },
    outcomeAt: (index) => OUTCOMES[outcomes[index] ?? 0] ?? "acknowledged",
    bodiesAt: (index) => {
      const { part, iteration, item } = at(index);
      const { drink, store, priceCents } = part.contentOf(iteration, item);
      return [{ drink, store, cents: priceCents, timestamp: null }];
    },
  };
};
