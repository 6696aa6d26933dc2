import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");

/** In a process of its own: the bundler's memory goes with it. Quick when nothing has changed. */
export const buildPageIfStale = async (): Promise<void> => {
  await promisify(execFile)(process.execPath, ["dev/build-dashboard.ts", "--if-stale"], { cwd: root });
};
