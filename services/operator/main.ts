import { type Static, Type } from "typebox";
import { endWithReader } from "#shared/runtime/closed-output.ts";
import { databaseUrlKnob, loadSettings, logLevelKnob } from "#shared/runtime/config.ts";
import { messageOf, orExit } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";
import { type Command, FOUND, UsageError } from "./command.ts";
import { deadLetters } from "./dead-letters.ts";
import { reconcileCommand } from "./reconcile.ts";
import { replay } from "./replay/command-line.ts";
import { retention } from "./retention.ts";
import { smoke } from "./smoke.ts";

const operatorKnobs = Type.Object({
  databaseUrl: databaseUrlKnob,
  logLevel: logLevelKnob("warn"),
});

type OperatorSettings = Static<typeof operatorKnobs>;

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [deadLetters, reconcileCommand, retention, smoke, replay];

/** The operator's commands: node services/operator/main.ts <command> [arguments]. */
const WRONG_USAGE = 2;
const INTERRUPTED = 130;
/** A command that reads all orders sets its own limit. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;

endWithReader();

const usageOf = ({ name, summary, usage }: Command): string =>
  [`${name}: ${summary}`, ...usage.split("\n").map((line) => `  ${line}`)].join("\n");

const [name = "", ...args] = process.argv.slice(2);
const command = commands.find((each) => each.name === name);
const asksHelp = args.includes("--help") || name === "--help" || name === "";
if (command === undefined || asksHelp) {
  const help = (command ? [command] : commands).map(usageOf).join("\n\n");
  if (asksHelp) console.log(help);
  else console.error(`There is no command "${name}".\n\n${help}`);
  process.exit(asksHelp ? 0 : WRONG_USAGE);
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
process.once("SIGTERM", () => interrupted.abort());

let pool: Pool | undefined;
/** Opened on first use: replay and smoke need no database. */
const database = (): Pool => {
  if (pool) return pool;
  const settings: OperatorSettings = orExit(() => loadSettings(operatorKnobs, process.env));
  const log = openLog(`operator-${command.name}`, settings.logLevel, process.stdout.isTTY === true);
  pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: `coffee-${command.name}`,
      maxConnections: 2,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    },
    (error) => log.warn({ err: error }, "idle PostgreSQL connection lost"),
  );
  return pool;
};

try {
  const context = {
    get pool() {
      return database();
    },
    say: (line: string) => console.log(line),
    signal: interrupted.signal,
    env: process.env,
  };
  process.exitCode = await command.run(args, context);
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof UsageError) console.error(`\n${usageOf(command)}`);
  process.exitCode = interrupted.signal.aborted
    ? INTERRUPTED
    : error instanceof UsageError
      ? WRONG_USAGE
      : FOUND;
} finally {
  await pool?.end();
}
