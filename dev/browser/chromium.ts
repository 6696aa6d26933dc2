/**
 * A real browser, driven by playwright-core: the one that CHROMIUM names, else one that is installed, else Debian's
 * Chromium, fetched as the servers are.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { fromPackage, libraryPathIn, missingBelow, type Sought } from "../system/servers/apt.ts";

export type Chromium = {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** A package that was only unpacked has no program that may make a sandbox. */
  readonly isInstalled: boolean;
};

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/** The first start of a browser on a slow disk. */
const ANSWER_WITHIN_MS = 30_000;

const run = promisify(execFile);

const works = async ({ command, env }: Chromium): Promise<boolean> => {
  if (!existsSync(command)) return false;
  try {
    await run(command, ["--version"], { env: { ...process.env, ...env }, timeout: ANSWER_WITHIN_MS });
    return true;
  } catch {
    // a library of it is not there, or it only says where to get it
    return false;
  }
};

const firstOf = async (candidates: readonly Chromium[]): Promise<Chromium | null> => {
  for (const candidate of candidates) if (await works(candidate)) return candidate;
  return null;
};

const installedAt = (command: string): Chromium => ({ command, env: {}, isInstalled: true });
const unpackedIn = (folder: string): Chromium => ({
  command: join(folder, "usr", "lib", "chromium", "chromium"),
  env: { LD_LIBRARY_PATH: libraryPathIn(folder) },
  isInstalled: false,
});

const sought: Sought<Chromium> = {
  name: "chromium",
  find: (root) => firstOf(root === "/" ? PLACES.map(installedAt) : [unpackedIn(root)]),
  unpacked: async () => {
    const own = ["chromium", "chromium-common"];
    return [...own, ...(await missingBelow(own))];
  },
  whatToDo:
    "Chromium is missing and could not be installed: name one with CHROMIUM=/path, or on Debian apt-get install chromium; the page's tests and pictures need it, the page itself does not",
};

/** May install it first. Throws a sentence saying what to do when there is no way. */
export const findChromium = async (log: (line: string) => void): Promise<Chromium> => {
  const named = process.env["CHROMIUM"];
  if (named === undefined) return await fromPackage(sought, log);
  const found = installedAt(named);
  if (await works(found)) return found;
  throw new Error(`CHROMIUM names ${named}, which does not run`);
};

export const openChromium = ({ command, env, isInstalled }: Chromium): Promise<Browser> =>
  chromium.launch({
    executablePath: command,
    env: { ...process.env, ...env },
    // root has no sandbox of its own either, and all that is loaded here is ours
    chromiumSandbox: isInstalled && process.getuid?.() !== 0,
    // a container's /dev/shm is often too small for it
    args: ["--disable-dev-shm-usage", "--force-color-profile=srgb"],
  });
