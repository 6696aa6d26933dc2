import { orExit, runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { loadApiSettings, readCatalogue } from "./config.ts";
import { serve } from "./serve.ts";
import { readTokens } from "./token-source.ts";

const { settings, enabled } = orExit(() => loadApiSettings(process.env));
const catalogue = orExit(() => readCatalogue(settings.catalogueFile));
const tokens = orExit(() => readTokens(settings));
const log = openLog("order-api", settings.logLevel, process.stdout.isTTY === true);

await runProgram(log, settings.stopDeadlineMs, async (closers, failed) => {
  await serve({ settings, enabled, catalogue, tokens, log, closers, failed });
});
