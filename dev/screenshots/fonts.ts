/**
 * The typeface of the pictures, so that they look alike wherever they are made; pages take it where it is installed.
 * Without it the pictures look otherwise.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { fromPackage, type Sought } from "../system/servers/apt.ts";

const run = promisify(execFile);

export const fetchFonts = async (log: (line: string) => void): Promise<void> => {
  try {
    await fromPackage(INTER, log);
  } catch (error) {
    log(messageOf(error));
  }
};

const INTER: Sought<true> = {
  name: "fonts-inter",
  // a browser finds only what is installed
  find: async (root) => (root === "/" && (await isInstalled()) ? true : null),
  unpacked: async () => [],
  whatToDo: "the typeface Inter is missing, so that the pictures look otherwise: apt-get install fonts-inter",
};

const isInstalled = async (): Promise<boolean> => {
  try {
    return (await run("fc-list", [":family=Inter"])).stdout.includes("Inter");
  } catch {
    // without fontconfig there are no fonts to find
    return false;
  }
};
