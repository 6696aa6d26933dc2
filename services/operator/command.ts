import type { Pool } from "#shared/store/pool.ts";

/** A command for the operator: one file in this folder, and a line in main.ts. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  /** Every form of the call, one per line, without the program's name. */
  readonly usage: string;
  /** Resolves with the exit status; rejects with a `UsageError` when the arguments are wrong. */
  run(args: readonly string[], context: Context): Promise<number>;
};

export type Context = {
  /** Opened on first use. */
  readonly pool: Pool;
  /** Prints a line. */
  readonly say: (line: string) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** For a command with settings of its own. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Wrong arguments: its message and the usage are printed, and the status is 2. */
export class UsageError extends Error {}

/** Done, without findings. */
export const OK = 0;
/** Done, with findings for the operator; or failed. */
export const FOUND = 1;
/** Done, and too much of the input could not be read. */
export const UNREADABLE = 3;
