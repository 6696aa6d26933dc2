/**
 * The ledger of a run: a line for each request of which not every order was acknowledged. Then the acknowledged orders are
 * all the others, and no list of them is needed.
 */
import type { Failure } from "../../shared/client/outcome.ts";

/** The line that a generator logs; Node reads it back. */
export const ledgerLine = (scenario: number, iteration: number, failure: Failure): string =>
  JSON.stringify({ ledger: 1, scenario, iteration, ...failure });

/** A planned order that was never sent. */
export const NOT_SENT: Failure = { outcome: "refused", status: 0, type: "not-sent" };
