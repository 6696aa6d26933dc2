/** npm run load: k6 with a profile, on the stack that `npm start` runs unless told otherwise. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { readRunning } from "../dev/system/running.ts";
import { findK6 } from "./k6.ts";
import { loadOptionsFrom, USAGE } from "./options.ts";

const root = join(import.meta.dirname, "..");
const say = (line: string): void => console.error(`load: ${line}`);

const main = async (): Promise<number> => {
  const options = loadOptionsFrom(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { command } = await findK6(say);
  const running = options.hasUrl || process.env["BASE_URL"] ? null : readRunning(root);
  const url = running === null ? [] : ["-e", `BASE_URL=${running.url}`];
  const args = ["run", "--no-usage-report", ...url, ...options.flags, join(import.meta.dirname, "main.ts")];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit" });
    // a terminal's Ctrl-C reaches k6 itself, which then ends in order; we wait for it
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
};

try {
  process.exit(await main());
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
