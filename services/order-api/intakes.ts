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
} from "#shared/ports.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { openAdmission } from "./admission.ts";
import type { EnabledMode } from "./config.ts";
import { openDoor } from "./door.ts";

/** What is known of a mode; `backlog` is null while its backend does not answer. */
export type ModeState = { readonly backlog: Backlog | null; readonly reason: string };

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
  close(): Promise<void>;
};

/** A poll that takes longer says that the backend does not answer. */
const POLL_TIMEOUT_MS = 2_000;

/** Opens the enabled modes and watches each on its own, so that no mode's health depends on another's backend. */
export const openIntakes = (
  enabled: readonly EnabledMode[],
  options: { readonly maxLagOrders: number; readonly pollEveryMs: number },
  log: Log,
): Intakes => {
  const intakes = new Map<string, Intake>();
  const states = new Map<string, ModeState>();
  const timers = new Map<string, NodeJS.Timeout>();
  let closed = false;
  const lagOf = (backlog: Backlog | null | undefined): string | null =>
    backlog ? lagProblem(backlog, options.maxLagOrders) : null;
  for (const { mode, settings } of enabled) {
    const intake = mode.openIntake(settings, log);
    intakes.set(mode.name, intake);
    states.set(mode.name, { backlog: null, reason: "not asked yet" });
    const poll = async (): Promise<void> => {
      states.set(mode.name, await stateOf(intake, options.maxLagOrders + 1));
      if (!closed) timers.set(mode.name, setTimeout(poll, options.pollEveryMs));
    };
    void poll();
  }
  const admissions = new Map(enabled.map(({ mode }) => [mode.name, openAdmission()]));
  const door = openDoor();
  const refusalOf = (mode: string): Refusal | null => {
    const why = lagOf(states.get(mode)?.backlog);
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
        return outcomes;
      } finally {
        leave?.(answered);
      }
    },
    states: () => states,
    statuses: () =>
      Object.fromEntries(
        [...states].map(([mode, { backlog }]) => [mode, statusOf(backlog, lagOf(backlog) !== null)]),
      ),
    close: async () => {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
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

const stateOf = async (intake: Intake, most: number): Promise<ModeState> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer in ${POLL_TIMEOUT_MS} ms`)),
    POLL_TIMEOUT_MS,
  );
  try {
    return { backlog: await Promise.race([intake.backlog(most), late.promise]), reason: "" };
  } catch (error) {
    return { backlog: null, reason: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
};

const statusOf = (backlog: Backlog | null, overBound: boolean): ModeStatus => ({
  lagOrders: backlog?.orders ?? null,
  oldestPendingMs: backlog ? Math.round(backlog.oldestMs) : null,
  health: backlog === null ? "unavailable" : overBound ? "lagging" : "ok",
});
