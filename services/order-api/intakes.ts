import type { ModeStatus } from "#shared/domain/dashboard.ts";
import type { Order } from "#shared/domain/order.ts";
import {
  type Backlog,
  type Intake,
  type Log,
  type Mode,
  type Outcome,
  Unavailable,
  type UnavailableReason,
  type Verified,
} from "#shared/ports.ts";
import { messageOf, within } from "#shared/runtime/lifecycle.ts";
import type { EnabledMode } from "./config.ts";
import { lagProblem, openAdmission, type Rejection } from "./limits.ts";
import { pollEvery } from "./polls.ts";

/**
 * The known state of a mode. `backlog` is null while it cannot be read, `reason` is why; `problem` is null while the
 * mode's backend takes orders, else the reason why it does not.
 */
export type ModeState = {
  readonly backlog: Backlog | null;
  readonly problem: string | null;
  readonly reason: string;
};

export type Intakes = {
  readonly modes: readonly Mode[];
  /** Calls `go` before a request's body is read: with null when it may be read, else with the reason (limits.ts). */
  admit(mode: string, go: (rejection: Rejection | null) => void): void;
  accept(mode: string, orders: readonly Order[]): Promise<readonly Outcome[]>;
  states(): ReadonlyMap<string, ModeState>;
  statuses(): Record<string, ModeStatus>;
  /** The settings of the mode's backend as they were read back; null before that. */
  verified(mode: string): Verified | null;
  close(): Promise<void>;
};

/** A backlog that takes longer to read is unknown. */
const BACKLOG_TIMEOUT_MS = 2_000;

/**
 * Opens the enabled modes and watches each on its own, so that no mode's health depends on another's backend. `failed` is
 * called when a setting is found to be wrong at the start.
 */
export const openIntakes = (
  enabled: readonly EnabledMode[],
  options: { readonly maxLagOrders: number; readonly pollEveryMs: number },
  log: Log,
  failed: (error: Error) => void = () => undefined,
): Intakes => {
  const admit = openAdmission();
  const opened = new Map(
    enabled.map(({ mode, settings }) => [
      mode.name,
      openMode(mode.openIntake(settings, log, failed), options),
    ]),
  );
  const openedAs = (mode: string): OpenedMode => {
    const found = opened.get(mode);
    if (!found) throw new Unavailable("backend_away", `${mode} is not enabled`);
    return found;
  };
  return {
    modes: enabled.map(({ mode }) => mode),
    admit: (mode, go) => admit(openedAs(mode), go),
    accept: async (mode, orders) => {
      const { intake, readiness } = openedAs(mode);
      try {
        const outcomes = await intake.accept(orders);
        readiness.wrote(outcomes);
        return outcomes;
      } catch (error) {
        readiness.failed(error);
        throw error;
      }
    },
    states: () => new Map([...opened].map(([name, mode]) => [name, mode.state()])),
    statuses: () => Object.fromEntries([...opened].map(([name, mode]) => [name, mode.status()])),
    verified: (mode) => opened.get(mode)?.intake.verified() ?? null,
    close: async () => {
      await Promise.all([...opened.values()].map((mode) => mode.close()));
    },
  };
};

type OpenedMode = ReturnType<typeof openMode>;

/** An intake with its known readiness and backlog. */
const openMode = (
  intake: Intake,
  { maxLagOrders, pollEveryMs }: { readonly maxLagOrders: number; readonly pollEveryMs: number },
) => {
  const readiness = openReadiness(intake.probe);
  let reading: Reading = { backlog: null, reason: "not read yet" };
  const lag = (): string | null => (reading.backlog ? lagProblem(reading.backlog, maxLagOrders) : null);
  const readBacklog = async (): Promise<void> => {
    reading = await readingOf(intake, maxLagOrders + 1);
  };
  // separately: a backlog that is slow to read must not delay readiness
  const polls = [pollEvery(pollEveryMs, readiness.update), pollEvery(pollEveryMs, readBacklog)];
  return {
    intake,
    readiness,
    isFull: intake.isFull,
    lagProblem: lag,
    state: (): ModeState => {
      const problem = readiness.problem();
      return { backlog: reading.backlog, problem, reason: problem ?? lag() ?? reading.reason };
    },
    status: (): ModeStatus => ({
      lagOrders: reading.backlog?.orders ?? null,
      oldestPendingMs: reading.backlog ? Math.round(reading.backlog.oldestMs) : null,
      health: readiness.problem() !== null ? "unavailable" : lag() !== null ? "lagging" : "ok",
    }),
    close: (): Promise<void> => {
      for (const poll of polls) poll.close();
      return intake.close();
    },
  };
};

type Reading = Pick<ModeState, "backlog" | "reason">;

const readingOf = async (intake: Intake, most: number): Promise<Reading> => {
  try {
    return { backlog: await within(BACKLOG_TIMEOUT_MS, intake.backlog(most)), reason: "" };
  } catch (error) {
    return { backlog: null, reason: messageOf(error) };
  }
};

/** Whether a mode takes orders, as clients see it: by the outcomes of orders, or by its probe while there are none. */
export type Readiness = {
  /** The outcomes of the orders of one request. */
  wrote(outcomes: readonly Outcome[]): void;
  /** The whole request failed. */
  failed(error: unknown): void;
  /** Decides again; called about once a second. */
  update(): Promise<void>;
  /** Null when the mode takes orders, else the reason why it does not. */
  problem(): string | null;
};

/** With one probe a second, a backend that hangs is noticed within 2 s. */
const PROBE_TIMEOUT_MS = 1_000;
/**
 * A probe is weaker than an order: it cannot find a disk without room for rows. After an order has failed, probes have to
 * succeed for this long before the mode is ready again without an accepted order.
 */
const TRUST_PROBES_AFTER_MS = 3_000;
/** The backend refused the order, did not answer in time, or kept others waiting. */
const BACKEND_REASONS: ReadonlySet<UnavailableReason> = new Set([
  "backend_away",
  "outcome_unknown",
  "timeout",
]);

/** `nowMs` is a monotonic clock. */
export const openReadiness = (
  probe: () => Promise<void>,
  nowMs: () => number = () => performance.now(),
): Readiness => {
  let problem: string | null = "not probed yet";
  let failedAtMs = Number.NEGATIVE_INFINITY;
  let hasWritten = false;
  let failure: string | null = null;

  const failed = (error: unknown): void => {
    if (error instanceof Unavailable && BACKEND_REASONS.has(error.reason)) failure = messageOf(error);
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
      const found = await within(PROBE_TIMEOUT_MS, probe()).then(
        () => null,
        (error: unknown) => messageOf(error),
      );
      // the outcome of an order is better evidence
      if (decideByOrders()) return;
      if (found !== null || nowMs() - failedAtMs >= TRUST_PROBES_AFTER_MS) problem = found;
    },
    problem: () => problem,
  };
};
