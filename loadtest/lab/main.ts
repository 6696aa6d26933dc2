/** npm run lab: the laboratory's commands. */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../../dev/markdown.ts";
import { turnedDownBy } from "./experiments/layout.ts";
import { selfTest } from "./judge/self-test.ts";
import { log, measured, printPlan, withLab } from "./measure-suite.ts";
import { type LabOptions, labOptionsFrom, USAGE } from "./options.ts";
import { compareSuites } from "./report/compare.ts";
import { overloads, overloadTable, survived } from "./report/overload-table.ts";
import { figuresTable, machineText, resultOf } from "./report/speed.ts";
import { speedFigures } from "./report/speed-figures.ts";
import { checkSuite, renderReport, renderSuite, reportFile } from "./report/suite.ts";
import { commitOf, environmentOf, pinningHere, takeGeneratorCores } from "./run/environment.ts";
import { folderFor, suiteFolders } from "./run/result-files.ts";
import { compareRevisions } from "./run/revisions.ts";

const root = join(import.meta.dirname, "..", "..");
const README = join(root, "README.md");

/** Without a name the newest folder. Throws an error when there is none. */
const existing = (folder: string | null): string => {
  const found = folder === null ? suiteFolders().at(-1) : resolve(folder);
  if (found === undefined) throw new Error("there are no results yet: npm run lab -- all measures some");
  if (!existsSync(join(found, "env.json")))
    throw new Error(`${found} is not a result folder: it has no env.json`);
  return found;
};

const render = async (folder: string): Promise<void> => {
  const files = await renderSuite(folder, root);
  for (const file of files) log(`wrote ${file}`);
};

const check = async (folder: string | null): Promise<number> => {
  if (folder === null && suiteFolders().length === 0) {
    log("no results are committed, nothing to check");
    return 0;
  }
  const found = existing(folder);
  const problems = await checkSuite(found, root);
  for (const problem of problems) log(problem);
  log(
    problems.length === 0 ? `every page is what ${found} makes` : "npm run lab -- render writes them again",
  );
  return problems.length === 0 ? 0 : 1;
};

const doubt = async (isPinned: boolean, signal: AbortSignal): Promise<number> => {
  const pinning = await pinningHere(isPinned);
  const outcomes = await withLab(pinning, null, { mayWipe: false, signal }, (lab) => selfTest(lab, [], log));
  return outcomes.every(({ isVoid }) => isVoid) ? 0 : 1;
};

type CompareOptions = Extract<LabOptions, { command: "compare" }>;

/** Two result folders are read; other names are git revisions, which are measured. */
const compare = async (options: CompareOptions, signal: AbortSignal): Promise<number> => {
  const { first, second, scale, seed, modes, isPinned } = options;
  const [one, other] = [resolve(first), resolve(second)];
  if (existsSync(join(one, "env.json")) && existsSync(join(other, "env.json"))) {
    console.log(compareSuites(one, other));
    return 0;
  }
  const pinning = await pinningHere(isPinned);
  const about = { scale, seed, commit: "", pinning, k6Version: null, turnedDown: turnedDownBy(scale) };
  const env = await environmentOf(about);
  const folder =
    options.folder === null ? mkdtempSync(join(tmpdir(), "coffee-rt-compared-")) : resolve(options.folder);
  await takeGeneratorCores(pinning);
  const lab = { k6: null, pinning, signal };
  console.log(
    await compareRevisions({
      first,
      second,
      modes,
      scale,
      seed,
      folder,
      env,
      lab,
      environment: process.env,
      log,
    }),
  );
  return 0;
};

type RunOptions = Extract<LabOptions, { command: "run" }>;

const runSuite = async (options: RunOptions, signal: AbortSignal): Promise<number> => {
  const { scale, seed, isPlanOnly, isPinned } = options;
  if (isPlanOnly) return printPlan(options);
  const pinning = await pinningHere(isPinned, Boolean(process.env["BASE_URL"]));
  const commit = await commitOf();
  const kind = { scale, seed, commit, pinning: pinning.inWords };
  const today = new Date().toISOString().slice(0, 10);
  const { isNew } = options;
  const folder = folderFor({ kind, folder: options.folder && resolve(options.folder), isNew, today });
  const { suite, failed } = await measured({ ...options, folder, pinning, commit }, signal);
  log(`${suite.runs.length} runs in ${folder}`);
  await renderReport(folder);
  log(
    `report: ${reportFile(folder)}; npm run lab -- render ${folder} writes SCALE.md and docs/scale from it`,
  );
  return failed === 0 ? 0 : 1;
};

type BenchOptions = Extract<LabOptions, { command: "bench" | "overload" }>;

/** Into a new folder, or into one that continues. */
const benchmark = async (options: BenchOptions, signal: AbortSignal): Promise<number> => {
  const { command, rounds, isWhole, isPlanOnly, isPinned, jsonFile, scale, seed } = options;
  if (isPlanOnly) return printPlan(options);
  const pinning = await pinningHere(isPinned);
  const commit = await commitOf();
  const kind = { scale, seed, commit, pinning: pinning.inWords };
  const named = options.folder ?? mkdtempSync(join(tmpdir(), `coffee-rt-${command}-`));
  const folder = folderFor({ kind, folder: resolve(named), isNew: false, today: "" });
  const { suite, failed } = await measured({ ...options, folder, pinning, commit }, signal);
  log(`every run is in ${folder}`);
  const broken = suite.runs.filter(({ run }) => run.audit.problems.length > 0);
  for (const { run } of broken) log(`AUDIT FAILED: ${run.point}: ${run.audit.problems.join("; ")}`);
  const isSound = failed === 0 && broken.length === 0;
  if (command === "overload") {
    console.log(`\n${overloadTable(suite)}`);
    return isSound && overloads(suite).every(survived) ? 0 : 1;
  }
  const all = speedFigures(suite);
  const figures = all.filter(({ values }) => values.length > 0);
  for (const { name } of all.filter((figure) => !figures.includes(figure)))
    log(`NO FIGURE: "${name}": every run of it is void`);
  const machine = machineText(suite.env);
  const table = `${machine}\n\n${figuresTable(figures, rounds)}`;
  console.log(`\n${table}`);
  if (jsonFile !== null)
    writeFileSync(jsonFile, `${JSON.stringify({ machine, figures: figures.map(resultOf) }, null, 1)}\n`);
  const isComplete = isSound && all.every(({ values }) => values.length >= rounds / 2);
  if (isWhole && isComplete) writeSection(README, "speed", table);
  else if (isWhole) log("the README's table stays: too many runs are void or failed");
  return isSound && figures.length === all.length ? 0 : 1;
};

/** One Ctrl-C may arrive twice: from the terminal, and forwarded by npm. */
const ONE_SIGNAL_MS = 1_500;

/** The first Ctrl-C stops the current run; complete runs stay, and the same command continues after them. */
const onInterrupt = (): AbortSignal => {
  const stopping = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (stopping.signal.aborted) {
        if (performance.now() - firstMs > ONE_SIGNAL_MS) process.exit(130);
        return;
      }
      firstMs = performance.now();
      log(
        "stopping; complete runs are kept: the same command continues after them, a benchmark with --results FOLDER",
      );
      stopping.abort(new Error("interrupted"));
    });
  return stopping.signal;
};

const main = async (): Promise<number> => {
  const options = labOptionsFrom(process.argv.slice(2));
  switch (options.command) {
    case "help":
      console.log(USAGE);
      return 0;
    case "render":
      await render(existing(options.folder));
      return 0;
    case "check":
      return check(options.folder);
    case "compare":
      return compare(options, onInterrupt());
    case "bench":
    case "overload":
      return benchmark(options, onInterrupt());
    case "self-test":
      return doubt(options.isPinned, onInterrupt());
    case "run":
      return runSuite(options, onInterrupt());
  }
};

try {
  process.exit(await main());
} catch (error) {
  log(`lab: ${messageOf(error)}`);
  process.exit(messageOf(error) === "interrupted" ? 130 : 1);
}
