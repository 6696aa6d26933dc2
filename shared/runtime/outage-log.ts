import type { Log } from "../ports.ts";
import { messageOf } from "./lifecycle.ts";

/** While an outage lasts it is logged this often: clients reconnect and retry several times a second. */
const INTERVAL_MS = 60_000;
/** A failure this soon after a recovery continues the outage: a backend that fails now and then must not fill the log. */
const CALM_MS = 10_000;

export type Outage = {
  /** Logged at the first failure and then once a minute, as `publish failed, retrying`. */
  readonly failing: string;
  /** Logged once when it ends, as `publish recovered`. */
  readonly recovered: string;
  /** Fields of every line. */
  readonly fields?: object;
  /** Failures that are not yet an outage: a connection that is being established refuses once or twice. 0 by default. */
  readonly tolerated?: number;
};

export type OutageLog = {
  failed(error: unknown, fields?: object): void;
  /** To be called after every success; cheap while there is no outage. */
  succeeded(): void;
};

/**
 * Logs repeated failures of one thing: the first one, then at most one line per minute with the number of failures that
 * were not logged, and one line with the duration when it works again.
 */
export const openOutageLog = (log: Log, { failing, recovered, fields, tolerated = 0 }: Outage): OutageLog => {
  let failures = 0;
  let suppressed = 0;
  let startedAt = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  let recoveredAt = Number.NEGATIVE_INFINITY;
  let isLogged = false;

  const failed = (error: unknown, more?: object): void => {
    const now = performance.now();
    if (failures++ === 0) startedAt = now;
    if (failures <= tolerated) return;
    const isNew = !isLogged && startedAt - recoveredAt >= CALM_MS;
    if (!isNew && now - loggedAt < INTERVAL_MS) {
      suppressed++;
      return;
    }
    const { code } = (error ?? {}) as { code?: unknown };
    const what = { reason: messageOf(error), ...(code !== undefined && { code }), failures };
    log.warn({ ...fields, ...what, ...(suppressed > 0 && { suppressed }), ...more }, failing);
    [loggedAt, suppressed, isLogged] = [now, 0, true];
  };

  const succeeded = (): void => {
    if (failures === 0) return;
    const now = performance.now();
    if (isLogged) log.info({ ...fields, failures, outageMs: Math.round(now - startedAt) }, recovered);
    [failures, recoveredAt, isLogged] = [0, now, false];
  };
  return { failed, succeeded };
};
