/** npm run check:deploy: everything that says how Coffee-RT is run elsewhere, by the tools that will read it there. */
import { parseArgs } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { CHECKS } from "./checks.ts";

const USAGE = `npm run check:deploy                         every check; tools that are missing are fetched first
npm run check:deploy -- --only chart,image   these
npm run check:deploy -- --list               what there is`;

const { values } = parseArgs({
  options: { only: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } },
});
const names = CHECKS.map(({ name }) => name);
const only = values.only?.split(",").map((name) => name.trim()) ?? names;
const unknown = only.filter((name) => !names.includes(name));
if (values.help) console.log(USAGE);
else if (values.list) for (const { name, says } of CHECKS) console.log(`${name.padEnd(12)} ${says}`);
else if (unknown.length > 0) {
  console.error(`--only knows ${names.join(", ")}, not ${unknown.join(", ")}`);
  process.exitCode = 2;
} else process.exitCode = await check(only);

async function check(chosen: readonly string[]): Promise<number> {
  const log = (line: string): void => console.error(`  ${line}`);
  // what was asked for by name is never left out, and in CI nothing is
  const mayLeaveOut = values.only === undefined && !process.env["CI"];
  let failed = 0;
  let leftOut = 0;
  for (const { name, says, lacks, run } of CHECKS.filter((each) => chosen.includes(each.name))) {
    const lack = lacks?.() ?? null;
    if (lack !== null && mayLeaveOut) {
      console.log(`left out ${name}: it needs ${lack}`);
      leftOut++;
      continue;
    }
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
    if (problems.length > 0) failed++;
  }
  const rest = leftOut === 0 ? "" : `, ${leftOut} left out`;
  console.log(`${chosen.length - failed - leftOut} passed, ${failed} failed${rest}`);
  return failed === 0 ? 0 : 1;
}
