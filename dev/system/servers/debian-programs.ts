// Single programs out of Debian packages: Prometheus, its exporters, and pgbouncer for the tests of poolers.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromPackage, missingLibraries } from "./apt.ts";

const run = promisify(execFile);
const ANSWERS_WITHIN_MS = 10_000;

/** By Debian's names of the packages; each brings a program of the same name. */
export type DebianProgram =
  | "pgbouncer"
  | "prometheus"
  | "prometheus-node-exporter"
  | "prometheus-postgres-exporter"
  | "prometheus-redis-exporter";

const works = async (command: string): Promise<boolean> => {
  try {
    await run(command, ["--version"], { timeout: ANSWERS_WITHIN_MS });
    return true;
  } catch {
    // not there, or not for this machine
    return false;
  }
};

/** How to call it; may install it first. Throws a sentence saying what to do when there is no way. */
export const debianProgram = (name: DebianProgram, log: (line: string) => void): Promise<string> =>
  fromPackage(
    {
      name,
      find: async (root) => {
        // an ordinary user's PATH may lack the second
        const commands = ["bin", "sbin"].map((folder) => join(root, "usr", folder, name));
        for (const command of root === "/" ? [name, ...commands] : commands)
          if (await works(command)) return command;
        return null;
      },
      unpacked: async () => [name, ...(await missingLibraries([name]))],
      installed: async () => {
        // ours is started with its own settings; the system's would take its port
        if (existsSync("/run/systemd/system")) await run("systemctl", ["disable", "--now", name]);
      },
      whatToDo: `${name} is missing and could not be installed. On Debian and Ubuntu: apt-get install ${name}`,
    },
    log,
  );

/** Prometheus' own checker of rules, which comes with it. */
export const promtool = async (log: (line: string) => void): Promise<string> =>
  (await debianProgram("prometheus", log)).replace(/prometheus$/, "promtool");
