/** The operator's commands, on the stack that `npm start` runs unless the environment names a database. */
import { join } from "node:path";
import { readRunning } from "./system/running.ts";

const root = join(import.meta.dirname, "..");
const asksHelp = process.argv.includes("--help");
if (!process.env["DATABASE_URL"] && !asksHelp) {
  const running = readRunning(root);
  if (running === null) {
    console.error(
      "Nothing runs here: start the system with npm start, or name its database in DATABASE_URL.",
    );
    process.exit(2);
  }
  for (const [name, value] of Object.entries(running.env)) process.env[name] ??= value;
}
await import("../services/operator/main.ts");
