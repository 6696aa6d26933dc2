import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openBoardReader } from "#shared/board/board.ts";
import { type Catalogue, catalogueFrom } from "#shared/domain/catalogue.ts";
import { messageOf, orExit, runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { openPool } from "#shared/store/pool.ts";
import packageJson from "../../package.json" with { type: "json" };
import { buildApp } from "./app.ts";
import { loadApiSettings } from "./config.ts";
import { type Fanout, openFanout } from "./fanout.ts";
import { openIntakes } from "./intakes.ts";
import { openApiMetrics } from "./metrics.ts";
import { watchDatabase } from "./routes/operations.ts";

const readCatalogue = (file: string): Catalogue => {
  const path = file || join(import.meta.dirname, "catalogue.json");
  try {
    return catalogueFrom(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new Error(`CATALOGUE_FILE is "${path}": ${messageOf(error)}.`, { cause: error });
  }
};

const listed = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const { settings, enabled } = orExit(() => loadApiSettings(process.env));
const catalogue = orExit(() => readCatalogue(settings.catalogueFile));
const log = openLog("order-api", settings.logLevel, process.stdout.isTTY === true);

await runProgram(log, settings.stopDeadlineMs, async (closers) => {
  const registry = openRegistry("order-api", packageJson.version);
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-api-reader",
      maxConnections: settings.readConnections,
      statementTimeoutMs: 10_000,
      connectTimeoutMs: 1_000,
    },
    (error) => log.warn({ reason: error.message }, "an idle connection to PostgreSQL was lost"),
  );
  closers.add("PostgreSQL", () => pool.end());
  const database = watchDatabase(pool, settings.pollEveryMs);
  closers.add("database watch", () => database.close());
  const intakes = openIntakes(enabled, settings, log);
  closers.add("intakes", () => intakes.close());
  let boardFailures = 0;
  const board = openBoardReader(
    settings.boardRedisUrl,
    () => fanout.changed(),
    (error) => {
      if (boardFailures++ % 50 === 0)
        log.warn({ reason: error.message }, "the board's Redis does not answer");
    },
  );
  closers.add("board", () => board.close());
  const metrics = openApiMetrics(registry, catalogue, intakes.states);
  const fanout: Fanout = openFanout(board.latest, intakes, metrics);
  const app = await buildApp({
    log,
    rules: { catalogue, maxEventAgeDays: settings.maxEventAgeDays },
    intakes,
    fanout,
    metrics,
    registry,
    pool,
    databaseState: database.state,
    boardIsConnected: board.isConnected,
    maxSockets: settings.maxSockets,
    allowedOrigins: listed(settings.allowedOrigins),
  });
  closers.add("HTTP", () => app.close());
  await app.listen({ host: settings.host, port: settings.port });
  const modes = enabled.map(({ mode, settings: knobs }) => `${mode.name}: ${mode.durability(knobs)}`);
  log.info({ modes }, "taking orders");
});
