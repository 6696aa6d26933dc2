import { messageOf } from "./lifecycle.ts";

/** Redis refuses a command that this process has never run successfully: a wrong setting, which no retry repairs. */
export class MissingRight extends Error {}

/** ioredis sends a script by EVAL the first time and by EVALSHA from then on: two rights, so two successes. */
export const OF_A_SCRIPT = 2;

export type Rights = {
  /**
   * Does `work`. Rejects with `MissingRight` where Redis refuses it and `what` has not succeeded before, so often as
   * `successes` says (1).
   */
  check<T>(what: string, work: () => Promise<T>, successes?: number): Promise<T>;
  /** Redis allows `what`: from now on a refusal is an outage, to be logged and retried. */
  allowed(what: string): void;
  /** The error itself, or a `MissingRight` where it refuses what was not allowed before. */
  errorOf(what: string, error: unknown): unknown;
};

/**
 * The rights of the Redis user in `variable`. A right that is missing at start ends the program; one that is taken
 * away later does not, since an ACL that is being reloaded must not stop every worker at once.
 */
export const openRights = (variable: string): Rights => {
  /** How many successes each still needs. */
  const needed = new Map<string, number>();
  const isAllowed = (what: string): boolean => needed.get(what) === 0;
  const errorOf = (what: string, error: unknown): unknown => {
    if (isAllowed(what) || !isRefusedRight(error)) return error;
    const refusal = messageOf(error).trim();
    return new MissingRight(
      `${variable}: the Redis user may not ${what}: "${refusal}". Grant the rights in docs/deployment.md, "Redis rights".`,
    );
  };
  return {
    check: async (what, work, successes = 1) => {
      try {
        const result = await work();
        needed.set(what, Math.max(0, (needed.get(what) ?? successes) - 1));
        return result;
      } catch (error) {
        throw errorOf(what, error);
      }
    },
    allowed: (what) => void needed.set(what, 0),
    errorOf,
  };
};

/**
 * To a command Redis replies NOPERM. To a script whose command it refuses it replies ERR with these words (7.0), and
 * NOPERM or "ACL failure in script" from 7.2 on.
 */
const isRefusedRight = (error: unknown): boolean =>
  /^NOPERM|ACL failure in script|user executing the script can't/.test(messageOf(error));
