/**
 * Which PostgreSQL errors mean what. Everything that is not listed as poison is infrastructure and is retried
 * for ever: a full disk, a failover or a bug in this list must never empty a stream into the dead letters.
 */

/**
 * Classes of SQLSTATE that blame the data itself, by their first two characters:
 * 22 data exception (text that is no JSON, no uuid, a number out of range),
 * 23 integrity constraint violation (a missing member, a price out of bounds).
 */
const POISON_CLASSES = new Set(["22", "23"]);
/** JSON nested deeper than the server's stack. The rest of class 54 is the server's own trouble. */
const STACK_DEPTH = "54001";

export const sqlStateOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
};

/** True when the same data will fail again however often it is tried. */
export const isPoison = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state !== undefined && (state === STACK_DEPTH || POISON_CLASSES.has(state.slice(0, 2)));
};

/**
 * Errors after which nobody knows whether the statement committed: 08 the connection failed, 40003 PostgreSQL says so
 * itself, 57P the server or the session was ended, 58 and XX the system or PostgreSQL itself failed, F0 its files did.
 * After any other error that PostgreSQL reports of a statement, its transaction was aborted.
 */
const UNKNOWN_OUTCOME = /^(08|57P|58|XX|F0|40003)/;

/** Whether this error of a statement, sent without BEGIN, proves that nothing of it was committed. */
export const excludesCommit = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state !== undefined && !UNKNOWN_OUTCOME.test(state);
};
