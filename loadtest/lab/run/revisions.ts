/** Compares two git revisions: both are checked out, installed, and measured alternately by this laboratory. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { randomFrom } from "../../../shared/domain/random.ts";
import type { Point } from "../experiments/experiment.ts";
import { peakOf, type Work } from "../experiments/plan.ts";
import { compareSuites } from "../report/compare.ts";
import { capacityIn } from "../search/known-rates.ts";
import { openProgress } from "./progress.ts";
import { readSuite, writeEnvironment } from "./result-files.ts";
import type { Environment, Scale } from "./results.ts";
import type { Lab } from "./run.ts";
import { measuresOf, type SuiteRun } from "./suite.ts";
import { openTestBed, type TestBed } from "./test-bed.ts";
import { doWork } from "./work.ts";

export type Revision = { readonly name: string; readonly commit: string; readonly root: string };

export type Comparing = {
  readonly first: string;
  readonly second: string;
  readonly modes: readonly string[];
  readonly scale: Scale;
  readonly seed: number;
  /** Holds a folder of results for each. */
  readonly folder: string;
  /** As of any suite; each revision's differs in its commit. */
  readonly env: Environment;
  readonly lab: Omit<Lab, "testBed">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
};

const run = promisify(execFile);
const project = join(import.meta.dirname, "..", "..", "..");
/** The fewest that can show a difference (compare.ts), and more. */
const REPETITIONS: Readonly<Record<Scale, number>> = { smoke: 4, standard: 5, full: 10 };
const INSTALL_WITHIN_MS = 900_000;

/** Null when git does not know it. */
export const commitNamed = async (name: string): Promise<string | null> => {
  try {
    const { stdout } = await run("git", ["rev-parse", "--verify", "--quiet", `${name}^{commit}`], {
      cwd: project,
    });
    return stdout.trim();
  } catch {
    return null;
  }
};

/** In which the pinned Node is not the one that npm is about to replace. */
const pathForNpm = (path: string): string =>
  path
    .split(delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .join(delimiter);

const checkedOut = async (
  name: string,
  folder: string,
  { environment, log }: Comparing,
): Promise<Revision> => {
  const commit = await commitNamed(name);
  if (commit === null)
    throw new Error(`"${name}" is neither a result folder nor a revision that git knows here`);
  const root = join(folder, commit.slice(0, 12));
  if (!existsSync(root)) {
    log(`${name} is ${commit.slice(0, 12)}: checking it out and installing it`);
    await run("git", ["worktree", "add", "--detach", root, commit], { cwd: project });
    const env = { ...environment, PATH: pathForNpm(environment["PATH"] ?? "") };
    const options = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional"];
    await run("npm", options, { cwd: root, env, timeout: INSTALL_WITHIN_MS });
  }
  return { name, commit, root };
};

/** At rest, and at half of what the first one carries: rates that both are given alike. */
const pointsFor = (modes: readonly string[], repetitions: number): Point[] =>
  modes.flatMap((arrangement) => [
    { arrangement, name: "baseline", varied: {}, load: { rate: 50 }, repetitions },
    {
      arrangement,
      name: "half",
      varied: {},
      load: { rate: { ofCapacity: 0.5 }, ordersPerRequest: 10 },
      repetitions,
    },
  ]);

/** The text of the comparison; the results stay in the folder. */
export const compareRevisions = async (comparing: Comparing): Promise<string> => {
  const { first, second, folder, log } = comparing;
  const trees = mkdtempSync(join(tmpdir(), "coffee-rt-revisions-"));
  try {
    const revisions = [await checkedOut(first, trees, comparing), await checkedOut(second, trees, comparing)];
    await measureInTurn(revisions, comparing);
    log(`results: ${folder}`);
    return compareSuites(join(folder, "first"), join(folder, "second"));
  } finally {
    rmSync(trees, { recursive: true, force: true });
    await run("git", ["worktree", "prune"], { cwd: project });
  }
};

const measureInTurn = async (revisions: readonly Revision[], comparing: Comparing): Promise<void> => {
  const { modes, scale, seed, folder, env, log } = comparing;
  const repetitions = REPETITIONS[scale];
  const points = pointsFor(modes, repetitions);
  const rounds = Array.from({ length: repetitions }, (_, index) => index + 1);
  const peaks = modes.map((arrangement) => peakOf("E2", arrangement, 10));
  const works = rounds.flatMap((repetition) =>
    points.map((point): Work => ({ kind: "point", experiment: "E1", point, repetition })),
  );
  const progress = openProgress([...peaks, ...works, ...works], scale, log);
  const sides = revisions.map((revision, index) => {
    const own = join(folder, ["first", "second"][index] ?? "");
    writeEnvironment(own, { ...env, commit: revision.commit });
    return { folder: own, testBed: testBedOf(revision, comparing) };
  });
  const [reference] = sides;
  if (reference === undefined) return;
  try {
    for (const work of peaks) await onSide(reference, work, comparing, progress);
    const capacityOf = capacityIn(readSuite(reference.folder));
    const random = randomFrom(seed);
    for (const work of works) {
      const fixed = work.kind === "point" ? { ...work, point: atRate(work.point, capacityOf) } : work;
      for (const side of random.shuffled(sides)) await onSide(side, fixed, comparing, progress);
      progress.done(work);
    }
  } finally {
    for (const { testBed } of sides) await testBed.close();
  }
};

/** A share of what the first revision carries, in numbers: the second is given the same. */
const atRate = (point: Point, capacityOf: ReturnType<typeof capacityIn>): Point => {
  const { rate, ordersPerRequest = 1 } = point.load;
  if (typeof rate !== "object") return point;
  const capacity = capacityOf(point.arrangement, ordersPerRequest) ?? 1_000;
  const requests = Math.max(1, Math.round((capacity * rate.ofCapacity) / ordersPerRequest));
  return { ...point, load: { ...point.load, rate: requests } };
};

type Side = { readonly folder: string; readonly testBed: TestBed };

/** On servers of its own: nothing that one revision left behind is there for the other. */
const testBedOf = (revision: Revision, { lab, environment, log }: Comparing): TestBed => {
  const migrate = async (databaseUrl: string): Promise<void> => {
    const env = { ...environment, DATABASE_URL: databaseUrl, LOG_LEVEL: "warn" };
    await run(process.execPath, ["db/main.ts"], { cwd: revision.root, env });
  };
  const { pinning, signal } = lab;
  return openTestBed({ pinning, signal, environment, log, root: revision.root, migrate });
};

const onSide = async (
  { folder, testBed }: Side,
  work: Work,
  { lab }: Comparing,
  progress: SuiteRun["progress"],
): Promise<void> => {
  const suiteRun = {
    measures: measuresOf({ ...lab, testBed }),
    folder,
    suite: readSuite(folder),
    progress,
    runs: 0,
  };
  await doWork(suiteRun, work);
  await testBed.rest();
};
