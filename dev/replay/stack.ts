/**
 * Where the orders go: a stack that runs, or one of the replay's own with the file's catalogue.
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { DAY_MS } from "#shared/domain/time.ts";
import type { Say } from "./begin.ts";
import type { Places } from "./state.ts";
import type { Survey } from "./survey.ts";

/** The launcher's, in dev/system/launcher.ts; its servers are only loaded when a replay needs them. */
export type StartStack = (options: {
  modes: string[];
  dataDir: string;
  env?: Record<string, string>;
  onLine?: (line: string) => void;
}) => Promise<Stack>;
export type Stack = { readonly url: string; stop(): Promise<void> };

/** The API's bounds of MAX_EVENT_AGE_DAYS. */
const EVENT_AGE_DAYS = { least: 366, most: 36_500 };
/** A replay may be interrupted and gone on with as long as its keys live. */
const SPARE_DAYS = 32;

export type OwnStack = {
  readonly startStack: StartStack;
  readonly mode: string;
  readonly survey: Survey;
  readonly places: Places;
  /** The time of the first sale as it is sent. */
  readonly firstMs: number;
  readonly say: Say;
};

/** Its lines are said until it is up, and written to a log all the time. */
export const openOwnStack = async ({
  startStack,
  mode,
  survey,
  places,
  firstMs,
  say,
}: OwnStack): Promise<Stack> => {
  const { stores, drinks } = survey;
  await mkdir(places.data, { recursive: true });
  await writeFile(places.catalogue, JSON.stringify({ stores, drinks }));
  const ageDays = Math.ceil((Date.now() - firstMs) / DAY_MS) + SPARE_DAYS;
  const log = createWriteStream(places.stackLog, { flags: "a" });
  let isUp = false;
  const close = async (): Promise<void> => {
    log.end();
    await finished(log);
  };
  try {
    const stack = await startStack({
      modes: [mode],
      dataDir: places.data,
      env: {
        CATALOGUE_FILE: places.catalogue,
        MAX_EVENT_AGE_DAYS: String(Math.min(EVENT_AGE_DAYS.most, Math.max(EVENT_AGE_DAYS.least, ageDays))),
      },
      onLine: (line) => {
        if (log.writable) log.write(`${line}\n`);
        if (!isUp) say(`  | ${line}`);
      },
    });
    isUp = true;
    return {
      url: stack.url,
      stop: async () => {
        await stack.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
};
