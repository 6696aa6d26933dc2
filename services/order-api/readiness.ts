import { type Outcome, Unavailable, type UnavailableReason } from "#shared/ports.ts";
import { messageOf, within } from "#shared/runtime/lifecycle.ts";

/**
 * Whether a mode takes orders, as clients see it. While orders are written their outcomes decide; while none is, the
 * mode's probe does.
 */
export type Readiness = {
  /** The outcomes of the orders of one request. */
  wrote(outcomes: readonly Outcome[]): void;
  /** The whole request failed. */
  failed(error: unknown): void;
  /** To be called about once a second: decides anew. */
  update(): Promise<void>;
  /** Null when the mode takes orders, else the reason why it does not. */
  problem(): string | null;
};

/** With one probe a second, a backend that hangs is noticed within 2 s. */
const PROBE_WITHIN_MS = 1_000;
/**
 * A probe is weaker than an order: it cannot find a disk that has no room for rows. After an order has failed, probes
 * have to succeed for so long until the mode is ready again without an order that is taken.
 */
const TRUST_PROBES_AFTER_MS = 3_000;
/** The backend refused the order, did not answer in time, or kept others waiting. */
const OF_BACKEND: ReadonlySet<UnavailableReason> = new Set(["backend_away", "outcome_unknown", "timeout"]);

/** `nowMs` is a clock that is never set. */
export const openReadiness = (
  probe: () => Promise<void>,
  nowMs: () => number = () => performance.now(),
): Readiness => {
  let problem: string | null = "not probed yet";
  let failedAtMs = Number.NEGATIVE_INFINITY;
  let hasWritten = false;
  let failure: string | null = null;

  const failed = (error: unknown): void => {
    if (error instanceof Unavailable && OF_BACKEND.has(error.reason)) failure = messageOf(error);
  };
  /** By the orders written since the last call; false when there were none. */
  const decideByOrders = (): boolean => {
    const isDecided = hasWritten || failure !== null;
    if (isDecided) problem = hasWritten ? null : failure;
    if (problem !== null && isDecided) failedAtMs = nowMs();
    if (hasWritten) failedAtMs = Number.NEGATIVE_INFINITY;
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
      const found = await within(PROBE_WITHIN_MS, probe()).then(
        () => null,
        (error: unknown) => messageOf(error),
      );
      // an order that was written meanwhile says more
      if (decideByOrders()) return;
      if (found !== null || nowMs() - failedAtMs >= TRUST_PROBES_AFTER_MS) problem = found;
    },
    problem: () => problem,
  };
};
