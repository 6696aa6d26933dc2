import type { Pool } from "#shared/store/pool.ts";

/** What an operator does by hand: one file beside this one, and a line in all.ts. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  /** Every way to call it, one a line, without the program's name. */
  readonly usage: string;
  /** Resolves with the exit status; rejects with a `UsageError` when it was called wrongly. */
  run(args: readonly string[], context: Context): Promise<number>;
};

export type Context = {
  /** Opened by the first use. */
  readonly pool: Pool;
  /** A line for whoever called it. */
  readonly say: (line: string) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** For a command with settings of its own. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Called wrongly: its sentence and the usage are shown, and the status is 2. */
export class UsageError extends Error {}

/** Done, and all is well. */
export const OK = 0;
/** Done, and something is found that a person must look at; or it failed. */
export const FOUND = 1;
