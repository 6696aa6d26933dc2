import type { Edit } from "../edits.ts";
import type { Fault } from "../fault.ts";

/** A known mistake, and the fault that has to expose it. */
export type Mutant = {
  readonly name: string;
  readonly mode: string;
  /** The name of a fault that the system without the mistake stands. */
  readonly fault: string;
  readonly edits: readonly Edit[];
  /** The same fault on servers that are set wrongly, when that is the mistake. */
  readonly misset?: Fault;
  /** What the checker has to say of it: a run may also end badly because the mutant cannot even start. */
  readonly exposedAs: RegExp;
};
