import { KeyConflict, type Outcome, Unavailable } from "#shared/ports.ts";
import { messageOf, within } from "#shared/runtime/lifecycle.ts";

/**
 * Whether a mode takes orders, as orders meet it. While orders are written their outcomes decide; while none is, the
 * mode's probe does.
 */
export type Readiness = {
  /** What became of the orders of one request. */
  wrote(outcomes: readonly Outcome[]): void;
  /** The whole request failed. */
  failed(error: unknown): void;
  /** To be called about once a second: decides anew. */
  update(): Promise<void>;
  /** Null when the mode takes orders, else the reason why it does not. */
  problem(): string | null;
};

/** Asked once a second, a backend that hangs is noticed within 2 s. */
const PROBE_WITHIN_MS = 1_000;

export const openReadiness = (probe: () => Promise<void>): Readiness => {
  let problem: string | null = "not asked yet";
  let hasWritten = false;
  let failure: string | null = null;

  const failed = (error: unknown): void => {
    if (isBackends(error)) failure = messageOf(error);
  };
  /** By the orders written since the last call, if there were any. */
  const decideByOrders = (): boolean => {
    if (hasWritten) problem = null;
    else if (failure !== null) problem = failure;
    const isDecided = hasWritten || failure !== null;
    hasWritten = false;
    failure = null;
    return isDecided;
  };
  return {
    failed,
    wrote: (outcomes) => {
      for (const outcome of outcomes)
        if (outcome instanceof Error) failed(outcome);
        else hasWritten = true;
    },
    update: async () => {
      if (decideByOrders()) return;
      const result = await within(PROBE_WITHIN_MS, probe()).then(
        () => null,
        (error: unknown) => messageOf(error),
      );
      // an order that was written meanwhile knows better
      if (!decideByOrders()) problem = result;
    },
    problem: () => problem,
  };
};

/** Not an order's own fault, and not one of this process, which has no room or no time. */
const isBackends = (error: unknown): boolean =>
  error instanceof Unavailable
    ? error.reason === "backend_away" || error.reason === "outcome_unknown"
    : !(error instanceof KeyConflict);
