/** Migrates the database to the newest schema and ends: status 0 on success, 1 on failure, 2 when a setting is wrong. */
import { loadSettings } from "#shared/runtime/config.ts";
import { messageOf, orExit } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { retrying } from "#shared/runtime/retry.ts";
import { type MigrationSettings, migrate, migrationKnobs } from "./migrate.ts";

/** The database is not up yet, or is restarting. No other error is repaired by waiting. */
const UNAVAILABLE = new Set([
  "ECONNREFUSED", // not listening yet
  "ECONNRESET", // it listened, then restarted: PostgreSQL's images do so after their first start
  "ETIMEDOUT", // the network is not up yet
  "ENOTFOUND", // its name does not resolve yet
  "EAI_AGAIN", // the DNS server is not up yet
  "57P01", // it is shutting down
  "57P03", // it is starting up
]);

const settings: MigrationSettings = orExit(() => loadSettings(migrationKnobs, process.env));
const log = openLog("migrations", settings.logLevel, process.stdout.isTTY === true);

try {
  await retrying(() => migrate(settings.databaseUrl, (line) => log.info({}, line)), {
    signal: AbortSignal.timeout(settings.waitForDatabaseMs),
    isRetryable: (error) => UNAVAILABLE.has(String((error as { code?: unknown } | null)?.code)),
    onRetry: (error, failures) => {
      if (failures === 1) log.info({ reason: messageOf(error) }, "waiting for the database");
    },
  });
  log.info({}, "database has the newest schema");
} catch (error) {
  log.error({ err: error }, `migration failed: ${messageOf(error)}`);
  process.exitCode = 1;
}
