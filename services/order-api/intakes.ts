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
import { openAdmission } from "./admission.ts";
import type { EnabledMode } from "./config.ts";
import { openDoor } from "./door.ts";
import { openReadiness, type Readiness } from "./readiness.ts";

/**
 * What is known of a mode. `backlog` is null while it cannot be read, `reason` says why; `problem` is null while the
 * mode's backend takes orders, else the reason why it does not.
 */
export type ModeState = {
  readonly backlog: Backlog | null;
  readonly problem: string | null;
  readonly reason: string;
};

/** `why` in words for the client, where the reason alone does not say it. */
export type Refusal = { readonly reason: UnavailableReason; readonly why?: string };

export type Intakes = {
  readonly modes: readonly Mode[];
  /**
   * Before a request is read: calls `go` with null when it may come in, at once or some turns of the event loop later,
   * and with the reason when it may not.
   */
  admit(mode: string, go: (refusal: Refusal | null) => void): void;
  accept(mode: string, orders: readonly Order[]): Promise<readonly Outcome[]>;
  states(): ReadonlyMap<string, ModeState>;
  statuses(): Record<string, ModeStatus>;
  /** The settings of the mode's backend as they were read back; null before that. */
  verified(mode: string): Verified | null;
  close(): Promise<void>;
};

/** A backlog that takes longer to read is unknown. */
const BACKLOG_TIMEOUT_MS = 2_000;

/** Opens the enabled modes and watches each on its own, so that no mode's health depends on another's backend. */
export const openIntakes = (
  enabled: readonly EnabledMode[],
  options: { readonly maxLagOrders: number; readonly pollEveryMs: number },
  log: Log,
): Intakes => {
  const intakes = new Map<string, Intake>();
  const readiness = new Map<string, Readiness>();
  const backlogs = new Map<string, Reading>();
  const polls: { stop(): void }[] = [];
  const lagOf = (backlog: Backlog | null | undefined): string | null =>
    backlog ? lagProblem(backlog, options.maxLagOrders) : null;
  for (const { mode, settings } of enabled) {
    const intake = mode.openIntake(settings, log);
    const ready = openReadiness(intake.probe);
    intakes.set(mode.name, intake);
    readiness.set(mode.name, ready);
    backlogs.set(mode.name, { backlog: null, reason: "not read yet" });
    const readBacklog = async (): Promise<void> => {
      backlogs.set(mode.name, await readingOf(intake, options.maxLagOrders + 1));
    };
    // each by itself: a backlog that is slow to read must not delay readiness
    polls.push(pollEvery(options.pollEveryMs, ready.update), pollEvery(options.pollEveryMs, readBacklog));
  }
  const stateOf = (mode: string): ModeState => {
    const { backlog, reason } = backlogs.get(mode) ?? { backlog: null, reason: "" };
    const problem = readiness.get(mode)?.problem() ?? null;
    return { backlog, problem, reason: problem ?? lagOf(backlog) ?? reason };
  };
  const admissions = new Map(enabled.map(({ mode }) => [mode.name, openAdmission()]));
  const door = openDoor();
  const refusalOf = (mode: string): Refusal | null => {
    const why = lagOf(backlogs.get(mode)?.backlog);
    if (why !== null) return { reason: "lag", why };
    return admissions.get(mode)?.isFull() ? { reason: "queue_full" } : null;
  };
  return {
    modes: enabled.map(({ mode }) => mode),
    admit: (mode, go) => {
      const refusal = refusalOf(mode);
      if (refusal !== null) go(refusal);
      // what was free when it came may be full when it is let in
      else if (!door.pass(() => go(refusalOf(mode)))) go({ reason: "overloaded" });
    },
    accept: async (mode, orders) => {
      const intake = intakes.get(mode);
      if (!intake) throw new Unavailable("backend_away", `${mode} is not enabled`);
      const leave = admissions.get(mode)?.enter(orders.length);
      let answered = 0;
      try {
        const outcomes = await intake.accept(orders);
        for (const outcome of outcomes) if (!(outcome instanceof Unavailable)) answered++;
        readiness.get(mode)?.wrote(outcomes);
        return outcomes;
      } catch (error) {
        readiness.get(mode)?.failed(error);
        throw error;
      } finally {
        leave?.(answered);
      }
    },
    states: () => new Map(enabled.map(({ mode }) => [mode.name, stateOf(mode.name)])),
    statuses: () =>
      Object.fromEntries(enabled.map(({ mode }) => [mode.name, statusOf(stateOf(mode.name), lagOf)])),
    verified: (mode) => intakes.get(mode)?.verified() ?? null,
    close: async () => {
      for (const poll of polls) poll.stop();
      await Promise.all([...intakes.values()].map((intake) => intake.close()));
    },
  };
};

/**
 * Why no more orders can be taken, in words for the client. A transport that keeps orders for a set time loses those
 * that wait longer: at half of it there is as much left to mend what counts them.
 */
export const lagProblem = ({ orders, oldestMs, keptMs }: Backlog, maxLagOrders: number): string | null => {
  if (orders > maxLagOrders) return "too many orders wait to be counted";
  if (keptMs !== undefined && oldestMs >= keptMs / 2)
    return "orders wait to be counted for half the time that this mode keeps them";
  return null;
};

type Reading = Pick<ModeState, "backlog" | "reason">;

const readingOf = async (intake: Intake, most: number): Promise<Reading> => {
  try {
    return { backlog: await within(BACKLOG_TIMEOUT_MS, intake.backlog(most)), reason: "" };
  } catch (error) {
    return { backlog: null, reason: messageOf(error) };
  }
};

const statusOf = (
  { backlog, problem }: ModeState,
  lagOf: (backlog: Backlog | null) => string | null,
): ModeStatus => ({
  lagOrders: backlog?.orders ?? null,
  oldestPendingMs: backlog ? Math.round(backlog.oldestMs) : null,
  health: problem !== null ? "unavailable" : lagOf(backlog) !== null ? "lagging" : "ok",
});

/** Does `work` again and again, with a pause in between. It must not reject. */
const pollEvery = (everyMs: number, work: () => Promise<void>): { stop(): void } => {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const poll = async (): Promise<void> => {
    await work();
    if (!stopped) timer = setTimeout(poll, everyMs);
  };
  void poll();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
