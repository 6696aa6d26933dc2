/**
 * The files of a suite, one folder with: `env.json` (machine, versions, commit), and for each experiment `E2.json`, every
 * run with its figures and audit, and `E2.raw.jsonl.gz`, a line for each run with its figures per second, its samples and
 * the logs of a void run. Every figure of a report can be derived from these files again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { GeneratorOutput } from "../generators/output.ts";
import { rounded } from "../judge/usage.ts";
import type { Environment, KeptRun, Run, Second, Suite } from "./results.ts";

const RESULTS = join(import.meta.dirname, "..", "..", "results");
const ENVIRONMENT_FILE = "env.json";
const RUNS_FILE = /^(?!env\.json$)([\w-]+)\.json$/;
const FORMAT = 2;
/** Larger samples are written to a file that .gitignore excludes. */
const MOST_COMMITTED_BYTES = 256 * 1_024;

/** What a measurement returns, to be kept. */
export type Found = {
  readonly run: Run;
  readonly seconds: readonly Second[];
  /** Null for a closed loop, which has no planned times. */
  readonly output: GeneratorOutput | null;
  readonly logs: string;
  /** Seconds of each phase. */
  readonly took: Readonly<Record<string, number>>;
};

type KeptFigures = Run & { readonly tookSeconds: Found["took"] };
type RunsFile = { readonly format: typeof FORMAT; readonly runs: readonly KeptFigures[] };
type Raw = {
  readonly run: string;
  readonly seconds: readonly Second[];
  /** CSV (`samplesText`). */
  readonly samples?: string;
  readonly logs?: string;
};

/** "E2/v2/1-order-1600-s-1": experiment, mode, point and repetition, and of a further attempt its number. */
export const runId = ({ experiment, mode, point, repetition, attempt }: Run): string => {
  const name = point.startsWith(`${mode} `) ? point.slice(mode.length + 1) : point;
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `${experiment}/${mode}/${words || "point"}-${repetition}${attempt > 1 ? `-attempt-${attempt}` : ""}`;
};

/** The raw data first and the run last: a run that is listed is complete. */
export const keepRun = (suiteFolder: string, { run, seconds, output, logs, took }: Found): KeptRun => {
  const id = runId(run);
  const samples = output === null ? null : samplesText(output);
  const compressed = samples === null ? null : gzipSync(samples, { level: 9 });
  const isSmall = compressed !== null && compressed.length <= MOST_COMMITTED_BYTES;
  if (compressed !== null && !isSmall)
    writeWhole(join(suiteFolder, `${id.replaceAll("/", "-")}.large.csv.gz`), compressed);
  appendRaw(suiteFolder, run.experiment, {
    ...{ run: id, seconds },
    ...(samples !== null && isSmall && { samples }),
    ...(run.voids.length > 0 && { logs }),
  });
  const file = join(suiteFolder, `${run.experiment}.json`);
  const runs = existsSync(file) ? readFormat<RunsFile>(file).runs : [];
  const all: RunsFile = { format: FORMAT, runs: [...runs, { ...run, tookSeconds: took }] };
  writeWhole(file, `${JSON.stringify(all, null, 1)}\n`);
  return { run, id, seconds: () => seconds };
};

const rawFile = (suiteFolder: string, experiment: string): string =>
  join(suiteFolder, `${experiment}.raw.jsonl.gz`);

/** A gzip member for each run: a file of several is valid, and the earlier ones are not compressed again. */
const appendRaw = (suiteFolder: string, experiment: string, raw: Raw): void => {
  const file = rawFile(suiteFolder, experiment);
  const before = existsSync(file) ? [readFileSync(file)] : [];
  writeWhole(file, Buffer.concat([...before, gzipSync(`${JSON.stringify(raw)}\n`, { level: 9 })]));
};

const OUTCOMES = { acknowledged: "a", refused: "r", unknown: "u" } as const;

/**
 * Two kinds of lines: `o,` planned (ms since the measured time began), lag (ms), latency from the planned time (ms) and
 * outcome of a request; `f,` when a probe's order was seen (ms since then) and its freshness (ms).
 */
export const samplesText = ({ startMs, requests, visible }: GeneratorOutput): string =>
  [
    "# o,plannedMs,lagMs,latencyMs,outcome (a acknowledged, r refused, u unknown); f,seenMs,freshnessMs",
    ...requests.map(
      ({ plannedAtMs, lagMs, latencyMs, outcome }) =>
        `o,${rounded(plannedAtMs - startMs, 1)},${rounded(lagMs, 1)},${rounded(latencyMs, 1)},${OUTCOMES[outcome]}`,
    ),
    ...visible.map(({ atMs, freshnessMs }) => `f,${rounded(atMs - startMs, 1)},${rounded(freshnessMs, 1)}`),
    "",
  ].join("\n");

export const writeEnvironment = (suiteFolder: string, env: Environment): void =>
  writeWhole(join(suiteFolder, ENVIRONMENT_FILE), `${JSON.stringify(env, null, 1)}\n`);

/** Every complete run, void or not. Throws without an environment, and on an unknown format. */
export const readSuite = (suiteFolder: string): Suite => {
  const env = readFormat<Environment>(join(suiteFolder, ENVIRONMENT_FILE));
  const runs = readdirSync(suiteFolder)
    .flatMap((name) => RUNS_FILE.exec(name)?.[1] ?? [])
    .flatMap((experiment) => readRuns(suiteFolder, experiment))
    .sort(byExperimentAndTime);
  return { env, runs };
};

const readRuns = (suiteFolder: string, experiment: string): KeptRun[] => {
  let raws: ReadonlyMap<string, Raw> | null = null;
  const rawOf = (id: string): Raw | undefined => {
    raws ??= readRaws(rawFile(suiteFolder, experiment));
    return raws.get(id);
  };
  const { runs } = readFormat<RunsFile>(join(suiteFolder, `${experiment}.json`));
  return runs.map(({ tookSeconds, ...run }) => {
    const id = runId(run);
    return { run, id, seconds: () => rawOf(id)?.seconds ?? [] };
  });
};

/** By run. One that was interrupted before it was listed is there twice: the later line is right. */
const readRaws = (file: string): ReadonlyMap<string, Raw> => {
  if (!existsSync(file)) return new Map();
  const lines = gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => JSON.parse(line) as Raw).map((raw) => [raw.run, raw]));
};

/** "E2" before "E10"; equal times, which only the runs of tests have, by id. */
export const byExperimentAndTime = (a: KeptRun, b: KeptRun): number =>
  Number(a.run.experiment.slice(1)) - Number(b.run.experiment.slice(1)) ||
  compareTexts(a.run.startedAt, b.run.startedAt) ||
  compareTexts(a.id, b.id);

/** By code units: no locale of a machine changes what is committed. */
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const readFormat = <Kept extends { readonly format: number }>(file: string): Kept => {
  const kept = JSON.parse(readFileSync(file, "utf8")) as { format?: unknown };
  if (kept.format !== FORMAT)
    throw new Error(`${file} has format ${String(kept.format)}: expected ${FORMAT}`);
  return kept as Kept;
};

/** Whole or not at all, so that an interrupted suite continues with what it has. */
const writeWhole = (file: string, content: string | Buffer): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
};

/** What has to be the same for runs to belong to one suite. */
export type Kind = Pick<Environment, "scale" | "seed" | "commit" | "pinning">;

/** Folders with results, the newest last. */
export const suiteFolders = (results = RESULTS): string[] =>
  existsSync(results)
    ? readdirSync(results, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(results, entry.name, ENVIRONMENT_FILE)))
        .map((entry) => join(results, entry.name))
        .sort((a, b) => startOf(a) - startOf(b))
    : [];

const environmentIn = (folder: string): Environment =>
  JSON.parse(readFileSync(join(folder, ENVIRONMENT_FILE), "utf8")) as Environment;

const startOf = (folder: string): number => Date.parse(environmentIn(folder).startedAt);

export type Wanted = {
  readonly kind: Kind;
  /** As the user names it; null takes the newest of this kind, or a new one of today. */
  readonly folder: string | null;
  readonly isNew: boolean;
  readonly today: string;
  readonly results?: string;
};

/** Throws where a named folder holds a suite of another kind. */
export const folderFor = ({ kind, folder, isNew, today, results = RESULTS }: Wanted): string => {
  if (folder !== null) {
    const isEmpty = !existsSync(join(folder, ENVIRONMENT_FILE));
    const other = isEmpty ? null : differenceOf(environmentIn(folder), kind);
    if (other !== null)
      throw new Error(`${folder} holds a suite of another ${other}: name another folder, or resume that one`);
    return folder;
  }
  const resumed = suiteFolders(results).findLast((each) => differenceOf(environmentIn(each), kind) === null);
  if (resumed !== undefined && !isNew) return resumed;
  for (let count = 1; ; count++) {
    const fresh = join(results, count === 1 ? today : `${today}-${count}`);
    if (!existsSync(fresh)) return fresh;
  }
};

const differenceOf = (env: Environment, kind: Kind): string | null => {
  const names = ["scale", "seed", "commit", "pinning"] as const;
  const other = names.find((name) => env[name] !== kind[name]);
  return other === undefined ? null : `${other} (${env[other]}, not ${kind[other]})`;
};

/** The suite in the folder, with the environment as it was when the suite began; a new one where there is none. */
export const openSuite = (folder: string, env: Environment): Suite => {
  if (!existsSync(join(folder, ENVIRONMENT_FILE))) writeEnvironment(folder, env);
  const kept = readSuite(folder);
  const turnedDown = [...new Set([...kept.env.turnedDown, ...env.turnedDown])];
  if (turnedDown.length === kept.env.turnedDown.length) return kept;
  const together = { ...kept.env, turnedDown };
  writeEnvironment(folder, together);
  return { ...kept, env: together };
};
