/** Runs a command's checks one after the other and prints what each saw: for check:deploy and check:containers. */
import { messageOf } from "#shared/runtime/lifecycle.ts";

export type Log = (line: string) => void;

export type Check = {
  readonly name: string;
  readonly says: string;
  /** What it lacks on this machine; null where it can run. */
  readonly lacks?: () => Promise<string | null> | string | null;
  /** It changes something outside of this machine, so it runs only where --only names it. */
  readonly isOnlyByName?: boolean;
  /** Adds a sentence to `problems` for each; resolves with what was looked at. */
  run(log: Log, problems: string[]): Promise<readonly string[]>;
};

export type Choice = { readonly only: string | undefined; readonly list: boolean };

const WRONG_USAGE = 2;

/**
 * Resolves with the exit status: 0 when all that ran hold. A check that lacks something on this machine is left out, except
 * when it was asked for by its name, and in CI, where it fails.
 */
export const runChecks = async (checks: readonly Check[], { only, list }: Choice): Promise<number> => {
  const names = checks.map(({ name }) => name);
  if (list) {
    for (const { name, says } of checks) console.log(`${name.padEnd(12)} ${says}`);
    return 0;
  }
  const chosen = only?.split(",").map((name) => name.trim()) ?? names;
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`--only knows ${names.join(", ")}, not ${unknown.join(", ")}`);
    return WRONG_USAGE;
  }
  const mayLeaveOut = only === undefined && !process.env["CI"];
  let failed = 0;
  let leftOut = 0;
  for (const check of checks.filter(({ name }) => chosen.includes(name))) {
    if (check.isOnlyByName && only === undefined) {
      console.log(`left out ${check.name}: ${check.says}; --only ${check.name} runs it`);
      leftOut++;
      continue;
    }
    const lack = (await check.lacks?.()) ?? null;
    if (lack !== null && mayLeaveOut) {
      console.log(`left out ${check.name}: it needs ${lack}`);
      leftOut++;
    } else if (!(await holds(check, lack))) failed++;
  }
  const rest = leftOut === 0 ? "" : `, ${leftOut} left out`;
  console.log(`${chosen.length - failed - leftOut} passed, ${failed} failed${rest}`);
  return failed === 0 ? 0 : 1;
};

const holds = async ({ name, says, run }: Check, lack: string | null): Promise<boolean> => {
  const log = (line: string): void => console.error(`  ${line}`);
  const began = performance.now();
  const problems: string[] = lack === null ? [] : [`it needs ${lack}`];
  const attempt = lack === null ? run(log, problems) : Promise.resolve<readonly string[]>([]);
  const seen = await attempt.catch((error: unknown) => {
    problems.push(messageOf(error));
    return [];
  });
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${name}: ${says} (${seconds} s)`);
  for (const line of seen) console.log(`         ${line}`);
  for (const problem of problems) console.log(`    ✗ ${problem}`);
  return problems.length === 0;
};
