/** Counts what became of orders, and logs what was not acknowledged. */
import { type Account, type Failure, ledgerLine } from "../lib/ledger.ts";
import {
  ordersAcknowledged,
  ordersFailed,
  ordersRefused,
  ordersReplayed,
  ordersUnknown,
} from "../lib/metrics.ts";
import type { Planned } from "../lib/scenarios.ts";

export const settle = (
  { number }: Planned,
  iteration: number,
  orders: number,
  { acknowledged, replayed, failure }: Account,
  isWarmUp = false,
): void => {
  if (failure !== null) console.log(ledgerLine(number, iteration, failure));
  if (isWarmUp) return;
  if (acknowledged > 0) ordersAcknowledged.add(acknowledged);
  if (replayed > 0) ordersReplayed.add(replayed);
  if (failure !== null) count(failure, orders - acknowledged);
  ordersFailed.add(failure !== null);
};

const count = ({ outcome }: Failure, orders: number): void => {
  if (outcome === "refused") ordersRefused.add(orders);
  else ordersUnknown.add(orders);
};
