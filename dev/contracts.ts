/**
 * npm run contracts: writes docs/openapi.json and docs/asyncapi.json, made from the schemas that validate. With
 * `-- --check` it writes nothing, and fails where they are not what the code says.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { publishedContracts } from "./published.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const root = dirname(import.meta.dirname);

const committed = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8"));
  } catch {
    // none, or not JSON: it is not what the code says
    return undefined;
  }
};

const contracts = Object.entries(await publishedContracts());
const stale = contracts.filter(([file, contract]) => !isDeepStrictEqual(committed(file), contract));
if (values.check) {
  for (const [file] of stale) console.error(`${file} is not what the code says: npm run contracts`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [file, contract] of stale) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), JSON.stringify(contract));
    const format = [join(import.meta.dirname, "lint.mjs"), "format", "--write", file];
    execFileSync(process.execPath, format, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  }
  console.log(
    stale.length > 0 ? `written: ${stale.map(([file]) => file).join(", ")}` : "nothing has changed",
  );
}
