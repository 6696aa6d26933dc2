// Runs biome's own binary, which the platform's package brings: node dev/lint.mjs [check|format|lint|ci] [options]
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const name = `@biomejs/cli-${process.platform}-${process.arch}`;
const binary = () => {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "biome");
  } catch {
    process.stderr.write(
      `lint: ${name} is not installed; this repository brings it for Linux on x64 and arm64\n`,
    );
    process.exit(1);
  }
};
const given = process.argv.slice(2);
const commands = ["check", "format", "lint", "ci"];
const args = commands.includes(given[0]) ? given : ["check", ...given];
const { status, error } = spawnSync(binary(), args, { stdio: "inherit" });
if (error) process.stderr.write(`lint: ${error.message}\n`);
process.exitCode = status ?? 1;
