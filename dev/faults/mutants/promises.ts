/** Mistakes in what a promise depends on: settings of a session, and what /readyz is decided by. */
import type { Mutant } from "./mutant.ts";

export const promiseMutants: readonly Mutant[] = [
  // the role's default holds: a commit is answered before it is on disk
  {
    name: "v1-settings-not-verified",
    mode: "v1",
    fault: "kill-postgres-lazy-commit",
    edits: [
      {
        file: "shared/store/pool.ts",
        find: "options: `-c synchronous_commit=",
        replace: "// options: `-c synchronous_commit=",
      },
    ],
    exposedAs: /acknowledged and lost/,
  },
];
