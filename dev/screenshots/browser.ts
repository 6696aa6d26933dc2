/**
 * A real browser, driven by playwright-core: the one that CHROMIUM names, else an installed one, else Debian's Chromium,
 * fetched in the same way as the servers. The tests of the page use it too.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { fromPackage, libraryPathIn, missingBelow, type Sought } from "../system/servers/apt.ts";

export type Chromium = {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** False for an unpacked package: it has no program that may create a sandbox. */
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
/** For the first start of a browser on a slow disk. */
const ANSWER_WITHIN_MS = 30_000;

const run = promisify(execFile);

const works = async ({ command, env }: Chromium): Promise<boolean> => {
  if (!existsSync(command)) return false;
  try {
    await run(command, ["--version"], { env: { ...process.env, ...env }, timeout: ANSWER_WITHIN_MS });
    return true;
  } catch {
    // a shared library is missing, or the program only prints where to get Chromium
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
    "Chromium is missing and could not be installed: set CHROMIUM=/path, or on Debian run apt-get install chromium. Only the page's tests and screenshots need it",
};

/** May install it first. Throws a sentence that says what to do when Chromium cannot be installed. */
export const findChromium = async (log: (line: string) => void): Promise<Chromium> => {
  const named = process.env["CHROMIUM"];
  if (named === undefined) return await fromPackage(sought, log);
  const found = installedAt(named);
  if (await works(found)) return found;
  throw new Error(`CHROMIUM: ${named} does not run`);
};

export const openChromium = ({ command, env, isInstalled }: Chromium): Promise<Browser> =>
  chromium.launch({
    executablePath: command,
    env: { ...process.env, ...env },
    // Chromium has no sandbox when it runs as root, and only our own pages are loaded
    chromiumSandbox: isInstalled && process.getuid?.() !== 0,
    // a container's /dev/shm is often too small for it
    args: ["--disable-dev-shm-usage", "--force-color-profile=srgb"],
  });

/** The screenshots' typeface, so that they look the same on every machine. Without it the page uses its next choice. */
const INTER: Sought<true> = {
  name: "fonts-inter",
  // a browser finds only installed fonts
  find: async (root) => (root === "/" && (await hasInter()) ? true : null),
  unpacked: async () => [],
  whatToDo: "the typeface Inter is missing, so the screenshots use another one: apt-get install fonts-inter",
};

const hasInter = async (): Promise<boolean> => {
  try {
    return (await run("fc-list", [":family=Inter"])).stdout.includes("Inter");
  } catch {
    // without fontconfig no font is found
    return false;
  }
};

export const fetchFonts = async (log: (line: string) => void): Promise<void> => {
  try {
    await fromPackage(INTER, log);
  } catch (error) {
    log(messageOf(error));
  }
};
