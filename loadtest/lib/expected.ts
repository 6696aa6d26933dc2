/** The orders of a run, made again from its summary: for the audit, in Node. */
import { menuCents } from "../../shared/domain/demand.ts";
import { SCENARIO_NUMBERS } from "../profiles/profile.ts";
import { idsOf } from "./ids.ts";
import { type Customers, openOrders } from "./orders.ts";

export type ExpectedOrder = {
  readonly iteration: number;
  readonly item: number;
  readonly id: string;
  readonly drink: string;
  readonly store: string;
  readonly priceCents: number;
};

/** As the summary and the settings of the run have them. */
export type ExpectedOf = {
  readonly seed: number;
  readonly run: number;
  readonly runStartMs: number;
  /** The catalogue's; those of the probes may be among them. */
  readonly stores: readonly string[];
  readonly drinks: readonly string[];
  readonly probeStores: readonly string[];
  readonly scenario: {
    readonly number: number;
    readonly iterations: number;
    readonly customers: string;
    readonly ordersPerIteration: number;
  };
};

/**
 * Every order that a scenario had to send, in the order of ids. Those of the ledger's lines were not acknowledged: leave
 * the refused out, and let the unknown be there or not.
 */
export function* expectedOf(options: ExpectedOf): Generator<ExpectedOrder> {
  const { run, runStartMs, scenario } = options;
  const idOf = idsOf(run, scenario.number, runStartMs);
  const contentOf = contentsOf(options);
  for (let iteration = 0; iteration < scenario.iterations; iteration++)
    for (let item = 0; item < scenario.ordersPerIteration; item++)
      yield { iteration, item, id: idOf(iteration, item), ...contentOf(iteration, item) };
}

type Content = Pick<ExpectedOrder, "drink" | "store" | "priceCents">;

/** What an order of this scenario holds, by its iteration and its place in the request. */
export const contentsOf = ({
  seed,
  stores,
  drinks,
  probeStores,
  scenario,
}: ExpectedOf): ((iteration: number, item: number) => Content) => {
  if (scenario.number === SCENARIO_NUMBERS.probe) {
    const drink = drinks[0] ?? "";
    const priceCents = menuCents(drink);
    return (iteration) => ({ drink, store: probeStores[iteration % probeStores.length] ?? "", priceCents });
  }
  const orders = openOrders({ seed, drinks, stores: stores.filter((store) => !probeStores.includes(store)) });
  const customers = scenario.customers as Customers;
  return (iteration, item) => orders.contentOf(customers, scenario.number, iteration, item);
};
