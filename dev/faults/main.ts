/** npm run faults: breaks the real system on purpose, and holds what is left against what clients were told. */
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../page.ts";
import { atOnce } from "./at-once.ts";
import { expose } from "./expose.ts";
import { faults } from "./faults.ts";
import { type Options, type Planned, readOptions, USAGE } from "./options.ts";
import { openResults, type Results } from "./results.ts";
import { type RunResult, runFault } from "./run.ts";
import { faultsTable, modesTable, sectionOf } from "./table.ts";

const SCALE = join(import.meta.dirname, "..", "..", "SCALE.md");
const isTold = process.env["FAULTS_VERBOSE"] === "1";

const told = (run: RunResult): string => {
  const { mode, fault, seed, ok, acknowledged, lost, countedTwice, recoverySeconds, problems } = run;
  const recovery = recoverySeconds === null ? "did not recover" : `recovered after ${recoverySeconds} s`;
  const counts = `${acknowledged} acknowledged, ${lost} lost, ${countedTwice} twice, ${recovery}`;
  const line = `${ok ? "ok    " : "NOT OK"} ${mode} ${fault} seed ${seed}: ${counts}`;
  return [line, ...problems.map((problem) => `       ${problem}`)].join("\n");
};

const tellingOf =
  (who: string) =>
  (line: string): void => {
    if (isTold) console.error(`         ${who}: ${line}`);
  };

const runOne = async ({ mode, fault, seed }: Planned, { seconds }: Options): Promise<RunResult> => {
  const name = `${mode} ${fault.name}`;
  const onLine = tellingOf(name);
  try {
    return await runFault({ mode, fault, seed, seconds, onLine });
  } catch (error) {
    const nothing = { sent: 0, acknowledged: 0, lost: 0, countedTwice: 0, recoverySeconds: null };
    return { mode, fault: fault.name, seed, ok: false, ...nothing, problems: [messageOf(error)] };
  }
};

const runAll = async (planned: readonly Planned[], results: Results, options: Options): Promise<void> => {
  let done = 0;
  await atOnce(options.atOnce, planned, async (each) => {
    const run = await runOne(each, options);
    results.add(run);
    console.log(`${String(++done).padStart(3)}/${planned.length} ${told(run)}`);
  });
};

const main = async (): Promise<boolean> => {
  const options = readOptions(process.argv.slice(2));
  const { what, planned, isWhole, file, resumes } = options;
  if (what === "help") console.log(USAGE);
  if (what === "list")
    for (const { name, modes } of faults) console.log(name, modes ? `(${modes.join(", ")})` : "");
  if (what === "mutants") return expose({ ...options, onLine: tellingOf("mutants") });
  if (what !== "run") return true;
  const results = openResults(file, resumes);
  const isDone = ({ mode, fault, seed }: Planned): boolean =>
    results.runs.some((run) => run.mode === mode && run.fault === fault.name && run.seed === seed);
  await runAll(
    planned.filter((each) => !isDone(each)),
    results,
    options,
  );
  console.log(`\n${faultsTable(results.runs)}\n\n${modesTable(results.runs)}`);
  if (isWhole) writeSection(SCALE, "faults", sectionOf(results.runs));
  return results.runs.every(({ ok }) => ok);
};

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
