/** The operator's commands, on the stack that `npm start` runs unless the environment or --url names another. */
import { join } from "node:path";
import { readRunning } from "./system/running.ts";

const root = join(import.meta.dirname, "..");
const [, , command, ...options] = process.argv;
const variable = command === "smoke" ? "API_URL" : "DATABASE_URL";
const isNamed = process.env[variable] || options.some((option) => option.startsWith("--url"));
if (!isNamed && !options.includes("--help")) {
  const running = readRunning(root);
  if (running === null) {
    console.error(`Nothing runs here: start the system with npm start, or set ${variable}.`);
    process.exit(2);
  }
  const settings = { ...running.env, API_URL: running.url };
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
}
await import("../services/operator/main.ts");
