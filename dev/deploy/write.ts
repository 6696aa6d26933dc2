/** npm run settings: writes what is made from the programs' typed settings, .env.example and the chart's schema. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { madeFiles } from "./made-files.ts";

const root = join(import.meta.dirname, "../..");
for (const [file, text] of Object.entries(madeFiles())) {
  writeFileSync(join(root, file), text);
  if (file.endsWith(".json")) {
    const format = [join(root, "dev/lint.mjs"), "format", "--write", file];
    execFileSync(process.execPath, format, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  }
  console.log(`written: ${file}`);
}
