/** Counts what became of orders, and logs what was not acknowledged. */
import type { Failure, Outcomes } from "../../shared/client/outcome.ts";
import { ledgerLine } from "./ledger.ts";
import type { Planned } from "./scenarios.ts";

/** k6's counters and rates are such, and so are anybody's. */
export type Counter<Value = number> = { add(value: Value): unknown };

export type OrderFigures = Readonly<
  Record<"ordersAcknowledged" | "ordersReplayed" | "ordersRefused" | "ordersUnknown", Counter>
> & { readonly ordersFailed: Counter<boolean> };

export type Settle = (
  planned: Planned,
  iteration: number,
  orders: number,
  outcomes: Outcomes,
  isWarmUp?: boolean,
) => void;

export const openSettle = (figures: OrderFigures, log: (line: string) => void): Settle => {
  const count = ({ outcome }: Failure, orders: number): void => {
    const counter = outcome === "refused" ? figures.ordersRefused : figures.ordersUnknown;
    counter.add(orders);
  };
  return ({ number }, iteration, orders, { acknowledged, replayed, failure }, isWarmUp = false) => {
    if (failure !== null) log(ledgerLine(number, iteration, failure));
    if (isWarmUp) return;
    if (acknowledged > 0) figures.ordersAcknowledged.add(acknowledged);
    if (replayed > 0) figures.ordersReplayed.add(replayed);
    if (failure !== null) count(failure, orders - acknowledged);
    figures.ordersFailed.add(failure !== null);
  };
};
