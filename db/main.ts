/** Brings the database to the newest schema and ends: 0 when it is there, 1 when not, 2 when a setting is wrong. */
import { loadSettings } from "#shared/runtime/config.ts";
import { messageOf, orExit } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { retrying } from "#shared/runtime/retry.ts";
import { type MigrationSettings, migrate, migrationKnobs } from "./migrate.ts";

/** The database is not there yet, or was cut off by its own restart; anything else will not heal by waiting. */
const AWAY = new Set([
  "ECONNREFUSED", // nothing listens yet
  "ECONNRESET", // it listened, then restarted: PostgreSQL's images do so after their first start
  "ETIMEDOUT", // the network is not up yet
  "ENOTFOUND", // its name is not known yet
  "EAI_AGAIN", // nor is the server of names
  "57P01", // it is shutting down
  "57P03", // it is starting up
]);

const settings: MigrationSettings = orExit(() => loadSettings(migrationKnobs, process.env));
const log = openLog("migrations", settings.logLevel, process.stdout.isTTY === true);

try {
  await retrying(() => migrate(settings.databaseUrl, (line) => log.info({}, line)), {
    signal: AbortSignal.timeout(settings.waitForDatabaseMs),
    isRetryable: (error) => AWAY.has(String((error as { code?: unknown } | null)?.code)),
    onRetry: (error, failures) => {
      if (failures === 1) log.info({ reason: messageOf(error) }, "waiting for the database");
    },
  });
  log.info({}, "the database has the newest schema");
} catch (error) {
  log.error({ err: error }, `the database could not be migrated: ${messageOf(error)}`);
  process.exitCode = 1;
}
