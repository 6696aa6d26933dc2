/** npm run faults: breaks the real system on purpose, and holds what is left against what clients were told. */
import { join } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../markdown.ts";
import { atOnce } from "./at-once.ts";
import { expose } from "./expose.ts";
import { faults } from "./faults.ts";
import { closeGrounds } from "./ground.ts";
import { type Options, type Planned, readOptions, USAGE } from "./options.ts";
import { openResults, type Results } from "./results.ts";
import { type RunResult, runFault } from "./run.ts";
import { faultsTable, modesTable, sectionOf } from "./table.ts";

const SCALE = join(import.meta.dirname, "..", "..", "SCALE.md");
const stopping = new AbortController();
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

/** Clients of a machine that is free are late by a few milliseconds. */
const MOST_LATE_MS = 100;
const MOST_ATTEMPTS = 3;

const attempt = async ({ mode, fault, seed }: Planned, { seconds }: Options): Promise<RunResult> => {
  const onLine = tellingOf(`${mode} ${fault.name}`);
  try {
    return await runFault({ mode, fault, seed, seconds, onLine });
  } catch (error) {
    const nothing = {
      warmUp: null,
      sent: 0,
      acknowledged: 0,
      lost: 0,
      countedTwice: 0,
      recoverySeconds: null,
      lateP99Ms: 0,
    };
    return { mode, fault: fault.name, seed, ok: false, ...nothing, problems: [messageOf(error)] };
  }
};

/** On a machine that has no time even for the clients a late recovery says nothing, and is looked at again. */
const runOne = async (planned: Planned, options: Options): Promise<RunResult> => {
  for (let left = MOST_ATTEMPTS; ; left--) {
    const run = await attempt(planned, options);
    const isVoid = !run.ok && run.problems.length === 0 && run.lateP99Ms > MOST_LATE_MS;
    if (!isVoid || left === 1 || stopping.signal.aborted) return run;
    console.log(
      `        ${told(run)}\n       the clients were ${run.lateP99Ms} ms late themselves: once more`,
    );
  }
};

const runAll = async (planned: readonly Planned[], results: Results, options: Options): Promise<void> => {
  let done = 0;
  await atOnce(options.atOnce, planned, async (each) => {
    if (stopping.signal.aborted) return;
    const run = await runOne(each, options);
    // what was broken off says nothing
    if (stopping.signal.aborted) return;
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

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, async () => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    console.log("stopping what runs; --resume goes on");
    await closeGrounds();
    process.exit(130);
  });
try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
