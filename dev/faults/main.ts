/** npm run faults: breaks the real system on purpose, and audits what is left. */
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../markdown.ts";
import { faults } from "./faults.ts";
import { type Options, type Planned, readOptions, USAGE } from "./options.ts";
import { faultsTable, modesTable, openResults, type Results, summaryOf } from "./results.ts";
import { concurrently, type RunResult, runFault } from "./run.ts";
import { testMutants } from "./run-mutants.ts";
import { closeSystems } from "./system.ts";

const root = join(import.meta.dirname, "..", "..");
const stopping = new AbortController();
const isVerbose = process.env["FAULTS_VERBOSE"] === "1";

const textOf = (run: RunResult): string => {
  const { mode, fault, seed, ok, acknowledged, lost, countedTwice, recoverySeconds, problems } = run;
  const recovery = recoverySeconds === null ? "did not recover" : `recovered after ${recoverySeconds} s`;
  const counts = `${acknowledged} acknowledged, ${lost} lost, ${countedTwice} counted twice, ${recovery}`;
  const line = `${ok ? "ok    " : "NOT OK"} ${mode} ${fault} seed ${seed}: ${counts}`;
  return [line, ...problems.map((problem) => `       ${problem}`)].join("\n");
};

/** Prints what programs log, in verbose runs. */
const linesOf =
  (name: string) =>
  (line: string): void => {
    if (isVerbose) console.error(`         ${name}: ${line}`);
  };

const attempt = async ({ mode, fault, seed }: Planned, { seconds }: Options): Promise<RunResult> => {
  const onLine = linesOf(`${mode} ${fault.name}`);
  try {
    const onStage = (stage: string): void =>
      console.log(`        ${mode} ${fault.name} seed ${seed}: ${stage}`);
    return await runFault({ mode, fault, seed, seconds, onLine, onStage });
  } catch (error) {
    const nothing = {
      ...{ warmUp: null, sent: 0, acknowledged: 0, lost: 0, countedTwice: 0 },
      ...{ recoverySeconds: null, lateP99Ms: 0 },
    };
    return { mode, fault: fault.name, seed, ok: false, ...nothing, problems: [messageOf(error)] };
  }
};

/** On an idle machine the clients are late by a few milliseconds. */
const MOST_LATE_MS = 100;
const MOST_ATTEMPTS = 3;

/** A late recovery proves nothing on a machine too busy even for the clients, and is repeated. */
const runOne = async (planned: Planned, options: Options): Promise<RunResult> => {
  for (let left = MOST_ATTEMPTS; ; left--) {
    const run = await attempt(planned, options);
    const isVoid = !run.ok && run.problems.length === 0 && run.lateP99Ms > MOST_LATE_MS;
    if (!isVoid || left === 1 || stopping.signal.aborted) return run;
    console.log(
      `        ${textOf(run)}\n       void, the clients themselves were ${run.lateP99Ms} ms late: repeating`,
    );
  }
};

const runAll = async (planned: readonly Planned[], results: Results, options: Options): Promise<void> => {
  let done = 0;
  await concurrently(options.atOnce, planned, async (each) => {
    if (stopping.signal.aborted) return;
    const run = await runOne(each, options);
    // an interrupted run proves nothing
    if (stopping.signal.aborted) return;
    results.add(run);
    console.log(`${String(++done).padStart(3)}/${planned.length} ${textOf(run)}`);
  });
};

const main = async (): Promise<boolean> => {
  const options = readOptions(process.argv.slice(2));
  const { what, planned, isWhole, file, resumes } = options;
  if (what === "help") console.log(USAGE);
  if (what === "list")
    for (const { name, modes } of faults) console.log(name, modes ? `(${modes.join(", ")})` : "");
  if (what === "mutants") return testMutants({ ...options, onLine: linesOf("mutants") });
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
  if (isWhole) {
    writeSection(join(root, "SCALE.md"), "faults", summaryOf(results.runs));
    writeSection(join(root, "docs", "scale", "faults.md"), "each-fault", faultsTable(results.runs));
  }
  return results.runs.every(({ ok }) => ok);
};

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, async () => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    console.log("stopping; --resume continues");
    await closeSystems();
    process.exit(130);
  });
try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
