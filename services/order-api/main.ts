import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Catalogue, catalogueFrom } from "#shared/domain/catalogue.ts";
import { messageOf, orExit, runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { loadApiSettings } from "./config.ts";
import { serve } from "./serve.ts";
import { readTokens } from "./token-source.ts";

const readCatalogue = (file: string): Catalogue => {
  const path = file || join(import.meta.dirname, "catalogue.json");
  try {
    return catalogueFrom(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new Error(`CATALOGUE_FILE is "${path}": ${messageOf(error)}.`, { cause: error });
  }
};

const { settings, enabled } = orExit(() => loadApiSettings(process.env));
const catalogue = orExit(() => readCatalogue(settings.catalogueFile));
const tokens = orExit(() => readTokens(settings));
const log = openLog("order-api", settings.logLevel, process.stdout.isTTY === true);

await runProgram(log, settings.stopDeadlineMs, async (closers, failed) => {
  await serve({ settings, enabled, catalogue, tokens, log, closers, failed });
});
