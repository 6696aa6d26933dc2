/** npm run load: sends a load profile to the system that `npm start` runs, or to another one. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { readRunning } from "../dev/system/running.ts";
import { findK6 } from "./generator.ts";
import { checkOptions, chosen, loadOptionsFrom, USAGE } from "./options.ts";

const root = join(import.meta.dirname, "..");
const log = (line: string): void => console.error(`load: ${line}`);

const main = async (): Promise<number> => {
  checkOptions(process.argv.slice(2), process.env);
  const options = loadOptionsFrom(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const running = options.settings["BASE_URL"] || process.env["BASE_URL"] ? null : readRunning(root);
  // a token in the environment is not in the list of processes, as one in the arguments is
  const { API_TOKEN = process.env["API_TOKEN"], ...others } = options.settings;
  const settings = { ...others, ...(running && { BASE_URL: running.url }) };
  const { command, note } = chosen({ ...options, settings }, await findK6(process.env));
  log(note);
  return new Promise((resolve, reject) => {
    const child = spawn(command.command, command.args, {
      stdio: "inherit",
      env: { ...process.env, ...(API_TOKEN && { API_TOKEN: String(API_TOKEN) }) },
    });
    // Ctrl-C in a terminal reaches the generator too, which stops and prints its summary: this process waits for that
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
};

try {
  process.exit(await main());
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
