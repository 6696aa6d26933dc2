/** Bugs in the settings of a session, and in what decides /readyz. */
import type { Mutant } from "./mutant.ts";

export const settingMutants: readonly Mutant[] = [
  // the role's default applies: a commit is answered before it is on disk
  {
    name: "v1-settings-not-verified",
    mode: "v1",
    fault: "kill-postgres-lazy-commit",
    edits: [
      {
        file: "shared/store/session.ts",
        find: "    await client.query(SET_SETTINGS, [names, Object.values(needed)]);",
        replace: "",
      },
      {
        file: "shared/store/session.ts",
        find: "    if (found[name] !== needed[name])",
        replace: "    if (false)",
      },
      // each write reports its setting too
      {
        file: "shared/modes/direct/intake.ts",
        find: "  if (synchronousCommit !== promised)",
        replace: "  if (false)",
      },
    ],
    exposedAs: /acknowledged and lost/,
  },
  // neither the probe nor refused orders count: ready as long as the API answers
  {
    name: "v1-readiness-ignores-refused-writes",
    mode: "v1",
    fault: "postgres-read-only",
    edits: [
      {
        file: "services/order-api/intakes.ts",
        find: "    problem: () => problem,",
        replace: "    problem: () => null,",
      },
    ],
    exposedAs: /readyz reported v1 ok/,
  },
  // a session that was opened while its role was read-only stays so
  {
    name: "v1-keeps-failed-sessions",
    mode: "v1",
    fault: "postgres-role-read-only",
    edits: [
      {
        file: "shared/modes/direct/intake.ts",
        find: "    client.release(!isPoison(error));",
        replace: "    client.release();",
      },
    ],
    exposedAs: /valid orders were never acknowledged/,
  },
];
