/** A clock of its own for one program: libfaketime, which stands between the program and the system's clock. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fromPackage, type Sought } from "../../system/servers/apt.ts";

/** As Debian and Ubuntu place it, and as its own `make install` does; MT is the one for programs with threads. */
const FOLDERS = ["usr/lib", "usr/local/lib", "usr/lib64"];
const LIBRARY = join("faketime", "libfaketimeMT.so.1");

const libfaketime: Sought<string> = {
  name: "libfaketime",
  find: async (root) => {
    const folders = FOLDERS.map((folder) => join(root, folder)).filter(existsSync);
    const within = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    return [...folders, ...within].map((folder) => join(folder, LIBRARY)).find(existsSync) ?? null;
  },
  unpacked: async () => ["libfaketime"],
  whatToDo:
    "not run: libfaketime is missing and could not be installed (on Debian: apt-get install libfaketime)",
};

/**
 * What a program has to be started with so that its clock is off by what the file says: "+3600", or "+0". It is read
 * again every second. Timers stay right: they go by the monotonic clock, which no wrong date moves.
 */
export const faketimeEnvironment = async (
  file: string,
  log: (line: string) => void,
): Promise<Record<string, string>> => ({
  LD_PRELOAD: await fromPackage(libfaketime, log),
  FAKETIME_TIMESTAMP_FILE: file,
  FAKETIME_CACHE_DURATION: "1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  DONT_FAKE_MONOTONIC: "1",
});
