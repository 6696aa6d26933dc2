// What Biome and dependency-cruiser find: node dev/lint.mjs [check|format|lint|ci] [options of Biome]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const biomePackage = `@biomejs/cli-${process.platform}-${process.arch}`;
const findBiome = () => {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${biomePackage}/package.json`)), "biome");
  } catch {
    process.stderr.write(
      `lint: ${biomePackage} is not installed; this repository installs it for Linux on x64 and arm64\n`,
    );
    process.exit(1);
  }
};
const succeeds = (file, args) => {
  const { status, error } = spawnSync(file, args, { stdio: "inherit", cwd: root });
  if (error) process.stderr.write(`lint: ${error.message}\n`);
  return status === 0;
};

const given = process.argv.slice(2);
const args = ["check", "format", "lint", "ci"].includes(given[0]) ? given : ["check", ...given];
const isClean = succeeds(findBiome(), args);
// .dependency-cruiser.ts is TypeScript, which older versions of Node do not load
const pinnedNode = join(root, "node_modules", ".bin", "node");
const node = existsSync(pinnedNode) ? pinnedNode : process.execPath;
const cruiser = join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruiser.mjs");
const code = ["shared", "services", "db", "dev", "docs", "grafana", "loadtest", "test", "vitest.config.ts"];
const areImportsClean = args[0] === "format" || succeeds(node, [cruiser, ...code]);
process.exitCode = isClean && areImportsClean ? 0 : 1;
