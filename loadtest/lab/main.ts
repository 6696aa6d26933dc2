/** npm run lab: the laboratory's commands. */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { writeSection } from "../../dev/markdown.ts";
import { findK6, type K6 } from "../generator.ts";
import { turnedDownBy } from "./experiments/layout.ts";
import { estimateOf, needsK6, planOf, textOfWork, timeText } from "./experiments/plan.ts";
import { selfTest } from "./judge/self-test.ts";
import { type LabOptions, labOptionsFrom, USAGE } from "./options.ts";
import { compareSuites } from "./report/compare.ts";
import { figuresTable, overloads, overloadTable, resultOf, speedFigures, survived } from "./report/speed.ts";
import { checkSuite, renderReport, renderSuite, reportFile } from "./report/suite.ts";
import type { Pinning } from "./run/environment.ts";
import { commitOf, environmentOf, pinningHere, takeGeneratorCores } from "./run/environment.ts";
import { grafanaIn, marking, openProgress } from "./run/progress.ts";
import { openRemoteSystem } from "./run/remote-system.ts";
import { folderFor, openSuite, suiteFolders } from "./run/result-files.ts";
import type { Suite } from "./run/results.ts";
import { compareRevisions } from "./run/revisions.ts";
import type { Lab } from "./run/run.ts";
import { measuresOf, type SuiteRun } from "./run/suite.ts";
import { openTestBed } from "./run/test-bed.ts";
import { doAll } from "./run/work.ts";

const root = join(import.meta.dirname, "..", "..");
const README = join(import.meta.dirname, "..", "..", "README.md");
const log = (line: string): void => console.error(line);

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

/** Starts generator, servers and programs on their cores, and stops them after the work, whether it fails or not. */
const withLab = async <T>(
  pinning: Pinning,
  k6: K6 | null,
  { mayWipe, signal }: { readonly mayWipe: boolean; readonly signal: AbortSignal },
  work: (lab: Lab) => Promise<T>,
): Promise<T> => {
  await takeGeneratorCores(pinning);
  const environment = process.env;
  const testBed = environment["BASE_URL"]
    ? openRemoteSystem(environment, mayWipe)
    : openTestBed({ pinning, environment, mayWipe, log, signal });
  try {
    return await work({ testBed, k6, pinning, signal });
  } finally {
    await testBed.close();
  }
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
  const { experiments, scale, modes, seed, isPlanOnly, isPinned } = options;
  if (isPlanOnly) {
    const works = planOf({ experiments, scale, modes, seed });
    const seconds = works.reduce((sum, work) => sum + estimateOf(work, scale), 0);
    for (const work of works) log(`  ${textOfWork(work, scale)}`);
    log(`about ${timeText(seconds)}, less what is done`);
    return 0;
  }
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

type Selected = Pick<RunOptions, "experiments" | "scale" | "modes" | "seed" | "mayWipe"> & {
  readonly folder: string;
  readonly pinning: Pinning;
  readonly commit: string;
};

/** Does what the suite in `folder` lacks of the selected experiments. */
const measured = async (
  { experiments, scale, modes, seed, mayWipe, folder, pinning, commit }: Selected,
  signal: AbortSignal,
): Promise<{ readonly suite: Suite; readonly failed: number }> => {
  const found = await findK6(process.env);
  const planned = planOf({ experiments, scale, modes, seed });
  const works = found.k6 === null ? planned.filter((work) => !needsK6(work)) : planned;
  const progress = openProgress(works, scale, log);
  log(
    `${experiments.map(({ id }) => id).join(", ")} at scale ${scale}, ${modes.join(", ")}: about ${timeText(progress.leftSeconds())}, less what is done`,
  );
  log(`results: ${folder}; pinning: ${pinning.inWords}`);
  const isWithoutK6 = found.k6 === null && planned.some(needsK6);
  if (isWithoutK6) log(`${found.missing}: E0 does not compare the generator with k6`);
  const turnedDown = [
    ...turnedDownBy(scale),
    ...experiments.flatMap((experiment) => experiment.turnedDown?.(scale) ?? []),
    ...(isWithoutK6 ? ["E0: not compared with k6"] : []),
    ...(modes.length < 3 ? [`modes ${modes.join(", ")} alone`] : []),
  ];
  const about = { scale, seed, commit, pinning, k6Version: found.k6?.version ?? null, turnedDown };
  const suite = openSuite(folder, await environmentOf(about));
  return withLab(pinning, found.k6, { mayWipe, signal }, async (lab) => {
    const grafana = grafanaIn(process.env);
    const own = measuresOf(lab);
    const measures = grafana === null ? own : marking(own, grafana, log);
    const suiteRun: SuiteRun = { measures, folder, suite, progress, runs: 0 };
    const failed = await doAll(suiteRun, works, log);
    return { suite: suiteRun.suite, failed };
  });
};

type BenchOptions = Extract<LabOptions, { command: "bench" | "overload" }>;

/** Generator, servers and programs share all cores: what is compared is compared within one machine. */
const benchmark = async (options: BenchOptions, signal: AbortSignal): Promise<number> => {
  const { command, isWhole, jsonFile } = options;
  const folder = resolve(options.folder ?? mkdtempSync(join(tmpdir(), `coffee-rt-${command}-`)));
  const pinning = await pinningHere(false);
  const selected = { ...options, folder, pinning, commit: await commitOf() };
  const { suite, failed } = await measured(selected, signal);
  log(`every run is in ${folder}`);
  if (command === "overload") {
    console.log(`\n${overloadTable(suite)}`);
    return failed === 0 && overloads(suite).every(survived) ? 0 : 1;
  }
  const all = speedFigures(suite);
  const figures = all.filter(({ values }) => values.length > 0);
  for (const { name } of all.filter((figure) => !figures.includes(figure)))
    log(`NO FIGURE: "${name}": every run of it is void`);
  console.log(`\n${figuresTable(figures)}`);
  if (jsonFile !== null)
    writeFileSync(jsonFile, `${JSON.stringify({ figures: figures.map(resultOf) }, null, 1)}\n`);
  if (failed === 0 && isWhole) writeSection(README, "speed", figuresTable(figures));
  return failed === 0 ? 0 : 1;
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
      log("stopping, the same command continues from here");
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
