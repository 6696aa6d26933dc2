/** Which folder a suite's results go to: one that is not complete is gone on with, where it is of the same kind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Environment, readSuite, type Suite, writeEnvironment } from "./results.ts";

/** What has to be the same for runs to stand in one suite. */
export type Kind = Pick<Environment, "scale" | "seed" | "commit" | "pinning">;

const RESULTS = join(import.meta.dirname, "..", "..", "results");
const ENVIRONMENT_FILE = "env.json";

/** Those with results in them, the newest last. */
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
  /** Named by whoever calls; null takes the newest of this kind, or a new one of today. */
  readonly folder: string | null;
  readonly isNew: boolean;
  readonly today: string;
  readonly results?: string;
};

/** Throws a sentence where a named folder holds something else. */
export const folderFor = ({ kind, folder, isNew, today, results = RESULTS }: Wanted): string => {
  if (folder !== null) {
    const isEmpty = !existsSync(join(folder, ENVIRONMENT_FILE));
    const other = isEmpty ? null : differenceOf(environmentIn(folder), kind);
    if (other !== null)
      throw new Error(
        `${folder} holds a suite of another ${other}: take another folder, or go on with its own`,
      );
    return folder;
  }
  const going = suiteFolders(results).findLast((each) => differenceOf(environmentIn(each), kind) === null);
  if (going !== undefined && !isNew) return going;
  for (let count = 1; ; count++) {
    const fresh = join(results, count === 1 ? today : `${today}-${count}`);
    if (!existsSync(fresh)) return fresh;
  }
};

/** In words; null when they are of a kind. */
export const differenceOf = (env: Environment, kind: Kind): string | null => {
  const names = ["scale", "seed", "commit", "pinning"] as const;
  const other = names.find((name) => env[name] !== kind[name]);
  return other === undefined ? null : `${other} (${env[other]}, and not ${kind[other]})`;
};

/** What is there already, with the environment as it was when the suite began. */
export const openSuite = (folder: string, env: Environment): Suite => {
  if (!existsSync(join(folder, ENVIRONMENT_FILE))) writeEnvironment(folder, env);
  const kept = readSuite(folder);
  const turnedDown = [...new Set([...kept.env.turnedDown, ...env.turnedDown])];
  if (turnedDown.length === kept.env.turnedDown.length) return kept;
  const together = { ...kept.env, turnedDown };
  writeEnvironment(folder, together);
  return { ...kept, env: together };
};
