/** npm run settings: writes .env.example and the chart's schema from the programs' typed settings, and the chart's boards and alerts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { madeFiles } from "./made-files.ts";

const root = join(import.meta.dirname, "../..");
for (const [file, text] of Object.entries(madeFiles())) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  if (file.endsWith(".json")) {
    const format = [join(root, "dev/lint.mjs"), "format", "--write", file];
    execFileSync(process.execPath, format, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  }
  console.log(`written: ${file}`);
}
