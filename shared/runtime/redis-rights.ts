import { messageOf } from "./lifecycle.ts";

/** Redis refuses a kind of work that it has never allowed: a setting of the server, which no retry repairs. */
export class MissingRight extends Error {}

/** The first time ioredis sends a script by EVAL, from the second time on by EVALSHA: two rights. */
export const SUCCESSES_NEEDED = 2;

export type Rights = {
  /** Does `work`. Rejects with `MissingRight` where Redis refuses it and has not allowed `what` twice before. */
  check<T>(what: string, work: () => Promise<T>): Promise<T>;
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
  const successes = new Map<string, number>();
  const isAllowed = (what: string): boolean => (successes.get(what) ?? 0) >= SUCCESSES_NEEDED;
  const errorOf = (what: string, error: unknown): unknown => {
    if (isAllowed(what) || !isRefusedRight(error)) return error;
    const refusal = messageOf(error).trim();
    return new MissingRight(
      `${variable}: the Redis user may not ${what}: "${refusal}". Grant the rights in docs/deployment.md, "Redis rights".`,
    );
  };
  return {
    check: async (what, work) => {
      try {
        const result = await work();
        if (!isAllowed(what)) successes.set(what, (successes.get(what) ?? 0) + 1);
        return result;
      } catch (error) {
        throw errorOf(what, error);
      }
    },
    allowed: (what) => void successes.set(what, SUCCESSES_NEEDED),
    errorOf,
  };
};

/**
 * To a command Redis replies NOPERM. To a script whose command it refuses it replies ERR with these words (7.0), and
 * NOPERM or "ACL failure in script" from 7.2 on.
 */
const isRefusedRight = (error: unknown): boolean =>
  /^NOPERM|ACL failure in script|user executing the script can't/.test(messageOf(error));
