/**
 * npm run replay -- sales.csv: the operator's replay command. Without --url it sends to the system that runs here, else
 * it starts one for this replay, with the file's catalogue. The exit status is 0 when the totals are equal to the cent, 1 when
 * they differ or the replay failed, 2 when the command is wrong, 3 when more than 1 % of the rows could not be read.
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { DAY_MS } from "#shared/domain/time.ts";
import { messageOf } from "#shared/runtime/lifecycle.ts";
import { UsageError } from "../services/operator/command.ts";
import { replay, runReplay } from "../services/operator/replay/command-line.ts";
import type { StartSystem } from "../services/operator/replay/target.ts";
import { readRunning } from "./system/running.ts";

/** The API's bounds of MAX_EVENT_AGE_DAYS. */
const EVENT_AGE_DAYS = { min: 366, max: 36_500 };
/** An interrupted replay may continue as long as its keys are valid. */
const SPARE_DAYS = 32;

const interrupted = new AbortController();
// the first one lets orders in flight end and stops the system in order; a second one has its usual effect
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const root = join(import.meta.dirname, "..");
const PROBE_WITHIN_MS = 2_000;

/** What `npm start` of this clone runs, else an API of the containers or of another clone at the usual port. */
const findRunning = async (): Promise<string | null> => {
  // asked without a token: the port may be another program's by now
  const url = readRunning(root)?.url ?? `http://127.0.0.1:${process.env["PORT"] || 8005}`;
  try {
    const reply = await fetch(`${url}/openapi.json`, { signal: AbortSignal.timeout(PROBE_WITHIN_MS) });
    const { info } = (await reply.json()) as { info?: { title?: string } };
    return info?.title === "Coffee-RT order API" ? url : null;
  } catch {
    // nothing answers there, or something else
    return null;
  }
};

/** Its lines are printed until it is up, and written to a log all the time. */
const startSystem: StartSystem = async ({ mode, catalogue, firstMs, folder, say }) => {
  const launcher = await import("./system/launcher.ts");
  const catalogueFile = join(folder, "catalogue.json");
  const ageDays = Math.ceil((Date.now() - firstMs) / DAY_MS) + SPARE_DAYS;
  await mkdir(folder, { recursive: true });
  await writeFile(catalogueFile, JSON.stringify(catalogue));
  const log = createWriteStream(join(folder, "system.log"), { flags: "a" });
  const closeLog = async (): Promise<void> => {
    log.end();
    await finished(log);
  };
  let isUp = false;
  try {
    const system = await launcher.startSystem({
      modes: [mode],
      dataDir: join(folder, "data"),
      env: {
        CATALOGUE_FILE: catalogueFile,
        MAX_EVENT_AGE_DAYS: String(Math.min(EVENT_AGE_DAYS.max, Math.max(EVENT_AGE_DAYS.min, ageDays))),
      },
      onLine: (line) => {
        if (log.writable) log.write(`${line}\n`);
        if (!isUp) say(`  | ${line}`);
      },
    });
    isUp = true;
    return { url: system.url, stop: () => system.stop().finally(closeLog) };
  } catch (error) {
    await closeLog();
    throw error;
  }
};

const run = async (args: readonly string[]): Promise<number> => {
  if (args.includes("--help") || args.includes("-h")) {
    say(`npm run ${replay.usage.replace("replay ", "replay -- ")}`);
    return 0;
  }
  // npm and the bootstrap change the folder; a file name is relative to where the command was typed
  const folders = [process.env["INIT_CWD"], process.env["PWD"], process.cwd()];
  try {
    return await runReplay(
      args,
      {
        folder: join(root, ".coffee-rt/replays"),
        findRunning,
        startSystem,
        token: process.env["API_TOKEN"] || null,
        say,
        stderr: process.stderr,
        signal: interrupted.signal,
      },
      folders.filter((folder) => folder !== undefined),
    );
  } catch (error) {
    process.stderr.write(`replay: ${messageOf(error)}\n`);
    if (error instanceof UsageError) process.stderr.write("replay: --help lists the options\n");
    return error instanceof UsageError ? 2 : 1;
  }
};

process.exitCode = await run(process.argv.slice(2));
