// What the compiler finds: in the project, and in what k6 runs, which has k6's globals instead of Node's.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const failed = ["tsconfig.json", "loadtest/tsconfig.json"].filter(
  (project) =>
    spawnSync(process.execPath, [compiler, "-p", join(root, project)], { stdio: "inherit" }).status !== 0,
);
process.exitCode = failed.length === 0 ? 0 : 1;
