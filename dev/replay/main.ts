/**
 * npm run replay -- sales.csv: real sales as input. Ends with 0 when the system's totals equal the file's to the
 * cent, with 1 when they differ or it could not be done, with 2 when the command is wrong.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { optionsFrom, type ReplayOptions, USAGE, UsageError } from "./options.ts";
import { replay } from "./run.ts";
import type { StartStack } from "./stack.ts";

const folder = join(import.meta.dirname, "../../.coffee-rt/replays");
const interrupt = new AbortController();
// The first one lets orders in flight end and stops the stack in order; a second one has its usual effect.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startStack: StartStack = async (options) =>
  (await import("../system/launcher.ts")).startSystem(options);

/** npm and the bootstrap change the folder; a file is meant from where the command was typed. */
const fromWhereTyped = (options: ReplayOptions): ReplayOptions => {
  const folders = [process.env["INIT_CWD"], process.env["PWD"], process.cwd()].filter(
    (path) => path !== undefined,
  );
  const file = folders.map((path) => resolve(path, options.file)).find((path) => existsSync(path));
  if (file === undefined) throw new UsageError(`there is no file ${options.file}`);
  return { ...options, file };
};

const run = async (): Promise<number> => {
  try {
    const options = optionsFrom(process.argv.slice(2));
    if (options === null) {
      say(USAGE);
      return 0;
    }
    const { stderr } = process;
    const isEqual = await replay({
      options: fromWhereTyped(options),
      folder,
      startStack,
      say,
      stderr,
      signal: interrupt.signal,
    });
    return isEqual ? 0 : 1;
  } catch (error) {
    process.stderr.write(`replay: ${messageOf(error)}\n`);
    if (error instanceof UsageError) process.stderr.write("replay: --help lists the options\n");
    return error instanceof UsageError ? 2 : 1;
  }
};

process.exitCode = await run();
