/**
 * The classes of PostgreSQL errors. Every error that is not listed as poison is infrastructure and is retried for ever:
 * a full disk, a failover or a bug in this list must never empty a stream into the dead letters.
 */

/**
 * Classes of SQLSTATE that blame the data itself, by their first two characters:
 * 22 data exception (text that is not JSON or not a uuid, a number out of range),
 * 23 integrity constraint violation (a missing member, a price out of bounds).
 */
const POISON_CLASSES = new Set(["22", "23"]);
/** JSON nested deeper than the server's stack. The rest of class 54 is a limit of the server. */
const STACK_DEPTH = "54001";

export const sqlStateOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  // every SQLSTATE has a digit; EPIPE and the like are errors of the socket
  return typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
};

/** True when the same data will always fail. */
export const isPoison = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state !== undefined && (state === STACK_DEPTH || POISON_CLASSES.has(state.slice(0, 2)));
};

/**
 * Errors of a statement, sent without BEGIN, whose transaction PostgreSQL aborted before its commit: 0A not supported, 21
 * to 28 data, constraints, transaction state (25006 is read-only), roles; 2B to 3F objects; 40 rollback, but for 40003
 * (completion unknown); 42 and 44 syntax, rights, missing tables; 53 to 55 resources, limits, locks; 57014 cancelled;
 * 57P03 not accepting connections; P0 raised by a trigger. After any other error the statement may have been committed.
 */
const ABORTED = /^(0A|2[1-8]|2[BDF]|3[4-9BDF]|40(?!003)|4[24]|5[345]|57014|57P03|P0)/;

/** Whether this error proves that the statement was not committed. */
export const excludesCommit = (error: unknown): boolean => ABORTED.test(sqlStateOf(error) ?? "");
