// What the compiler finds: in the project, in what k6 runs, and in the page; those have k6's and a browser's globals, and
// none of Node's. Tests of the page run in Node.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const projects = [
  "tsconfig.json",
  "loadtest/k6/tsconfig.json",
  "services/dashboard/tsconfig.json",
  "services/dashboard/tsconfig.tests.json",
];
const failed = projects.filter(
  (project) =>
    spawnSync(process.execPath, [compiler, "-p", join(root, project)], { stdio: "inherit" }).status !== 0,
);
process.exitCode = failed.length === 0 ? 0 : 1;
