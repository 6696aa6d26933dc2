// Gets what a Debian package holds: with apt-get where root may install, otherwise unpacked into the cache folder.
import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, readableByEverybody } from "./data-dir.ts";

export type Sought<Found> = {
  /** Debian's name of the package. */
  name: string;
  /** What of it works on this system (root is "/"), or unpacked in a folder; null when nothing does. */
  find: (root: string) => Promise<Found | null>;
  /** The packages to unpack where none may be installed: it and what of its dependencies is missing. */
  unpacked: () => Promise<string[]>;
  /** After an installation, what the package did beyond what was asked for is undone. */
  installed?: () => Promise<unknown>;
  /** What to do where it cannot be had, as a sentence. */
  whatToDo: string;
};

const run = promisify(execFile);
/** A package index and a few packages over a slow line. */
const APT_WITHIN_MS = 300_000;
/** All packages of a large system. */
const LIST_BYTES = 16_000_000;
/** Another apt-get of this machine may be at work. */
const lockWait = ["-o", "DPkg::Lock::Timeout=120"];

const aptGet = (args: string[]) =>
  run("apt-get", [...lockWait, ...args], {
    timeout: APT_WITHIN_MS,
    // RUNLEVEL=1 keeps a package from starting a server of its own
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C" },
  });

const install = async (name: string, log: (line: string) => void) => {
  log(`${name} is missing: installing it with apt-get`);
  const args = ["install", "-y", "--no-install-recommends", name];
  try {
    await aptGet(args);
  } catch {
    log("apt-get does not know the package yet: updating its index");
    await aptGet(["update"]);
    await aptGet(args);
  }
};

/** The libraries that these packages depend on and that this system lacks. */
export const missingLibraries = async (packages: string[]): Promise<string[]> => {
  const lines = (await run("apt-cache", ["depends", ...packages])).stdout.split("\n");
  const libraries = lines
    .filter((line) => /^ *\|?Depends: (lib|lua)/.test(line))
    .map((line) => line.replace(/.*Depends: /, "").trim());
  const missing = await Promise.all(
    libraries.map((name) =>
      run("dpkg-query", ["-W", name]).then(
        () => [],
        () => [name],
      ),
    ),
  );
  return missing.flat();
};

/** The libraries that these packages need, however far down, and that this system lacks. */
export const missingBelow = async (packages: string[]): Promise<string[]> => {
  const [below, installed] = await Promise.all([
    run("apt-cache", ["depends", "--recurse", "--important", ...packages], { maxBuffer: LIST_BYTES }),
    run("dpkg", ["--get-selections"], { maxBuffer: LIST_BYTES }),
  ]);
  const present = new Set(
    installed.stdout.split("\n").flatMap((line) => /^([^\s:]+)\S*\s+install$/.exec(line)?.[1] ?? []),
  );
  // apt-cache prints a package at the start of a line, and what it needs indented below it
  const named = below.stdout.split("\n").filter((line) => /^lib[\w.+-]+$/.test(line));
  return [...new Set(named)].filter((name) => !present.has(name));
};

/** Where the libraries of packages are that were unpacked in a folder, as LD_LIBRARY_PATH has it. */
export const libraryPathIn = (folder: string): string => {
  const libraries = join(folder, "usr", "lib");
  if (!existsSync(libraries)) return libraries;
  const folders = readdirSync(libraries, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && /\.so(\.|$)/.test(entry.name))
    .map(({ parentPath }) => parentPath);
  return [...new Set([libraries, ...folders])].join(":");
};

const unpack = async <T>(sought: Sought<T>, folder: string, log: (line: string) => void) => {
  log(`${sought.name} is missing: downloading its packages into the cache folder`);
  const partial = mkdtempSync(`${folder}-`);
  try {
    await run("apt-get", ["download", ...(await sought.unpacked())], {
      cwd: partial,
      timeout: APT_WITHIN_MS,
    });
    for (const name of readdirSync(partial).filter((one) => one.endsWith(".deb")))
      await run("dpkg", ["-x", join(partial, name), partial]);
    await readableByEverybody(partial);
    if ((await sought.find(partial)) === null) throw new Error(`the unpacked ${sought.name} does not run`);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

/** May install it first. Throws a sentence saying what to do when there is no way. */
export const fromPackage = async <T>(sought: Sought<T>, log: (line: string) => void): Promise<T> => {
  const folder = join(cacheFolder(), sought.name);
  const reasons: string[] = [];
  const attempt = async (how: () => Promise<unknown>) => {
    try {
      await how();
    } catch (error) {
      reasons.push((error as ExecFileException).stderr?.trim() || (error as Error).message);
    }
  };
  const found = (await sought.find("/")) ?? (await sought.find(folder));
  if (found !== null) return found;
  if (process.getuid?.() === 0)
    await attempt(async () => {
      await install(sought.name, log);
      await sought.installed?.();
    });
  const installed = await sought.find("/");
  if (installed !== null) return installed;
  await attempt(() => unpack(sought, folder, log));
  const unpacked = await sought.find(folder);
  if (unpacked !== null) return unpacked;
  throw new Error(`${sought.whatToDo}. What was tried: ${reasons.join("; ")}`);
};

/** A program, and the variables that it needs where its package was only unpacked. */
export type DebianProgram = { readonly command: string; readonly env: Readonly<Record<string, string>> };

const ANSWERS_WITHIN_MS = 10_000;

const works = async ({ command, env }: DebianProgram): Promise<boolean> => {
  try {
    await run(command, ["--version"], { env: { ...process.env, ...env }, timeout: ANSWERS_WITHIN_MS });
    return true;
  } catch (error) {
    // wrk prints its version and exits with 1; anything else is missing, or not for this machine
    return String((error as ExecFileException).stdout).startsWith("wrk ");
  }
};

type DebianOptions = {
  /** Further packages that it needs, where they are unpacked. */
  readonly packages?: readonly string[];
  /** What the user can do instead of installing it. */
  readonly instead?: string;
};

/**
 * The program that a Debian package of the same name holds. May install the package first; throws a sentence that says
 * what to do where that is impossible.
 */
export const debianProgram = (
  name: string,
  log: (line: string) => void,
  { packages = [], instead = "" }: DebianOptions = {},
): Promise<DebianProgram> =>
  fromPackage(
    {
      name,
      find: async (root) => {
        const isInstalled = root === "/";
        const env: Record<string, string> = isInstalled ? {} : { LD_LIBRARY_PATH: libraryPathIn(root) };
        // an ordinary user's PATH may lack /usr/sbin
        const commands = ["bin", "sbin"].map((folder) => join(root, "usr", folder, name));
        for (const command of isInstalled ? [name, ...commands] : commands)
          if (await works({ command, env })) return { command, env };
        return null;
      },
      unpacked: async () => {
        const own = [name, ...packages];
        return [...own, ...(await missingLibraries(own))];
      },
      installed: async () => {
        // the project starts its own, with its own settings; a second one would be idle, or take its port
        if (existsSync("/run/systemd/system"))
          await run("systemctl", ["disable", "--now", name]).catch(() => undefined);
      },
      whatToDo:
        `${name} is missing and could not be installed: install it (on Debian and Ubuntu: apt-get install ${name})` +
        (instead && `, or ${instead}`),
    },
    log,
  );

/** Prometheus' own checker of rules, which its package brings. */
export const promtool = async (log: (line: string) => void): Promise<string> =>
  (await debianProgram("prometheus", log)).command.replace(/prometheus$/, "promtool");
