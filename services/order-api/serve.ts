import { join } from "node:path";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { Tokens } from "#shared/access/tokens.ts";
import { boardEvents, openBoardReader } from "#shared/board/board.ts";
import type { Catalogue } from "#shared/domain/catalogue.ts";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { openPool } from "#shared/store/pool.ts";
import { MAX_LISTED_NAMES, type Setup } from "#shared/wire/operations.ts";
import packageJson from "../../package.json" with { type: "json" };
import type { AccessOptions } from "./access.ts";
import { buildApp } from "./app.ts";
import { type ApiSettings, type EnabledMode, originsIn } from "./config.ts";
import { type Fanout, openFanout } from "./fanout/fanout.ts";
import { type Intakes, openIntakes } from "./intakes.ts";
import { listen } from "./listen.ts";
import { openLiveCatalogue } from "./live-catalogue.ts";
import { openAccessMetrics, openApiMetrics, openBoardAge, openTokenGauge } from "./metrics.ts";
import { pollDatabase, pollStored } from "./polls.ts";
import { followTokens } from "./token-source.ts";

/** Reads are answered within 2 s too; the pool abandons a statement half a second after PostgreSQL cancels it. */
const READ_TIMEOUT_MS = 1_000;

/** Where `npm run build:dashboard` leaves the page. */
const PAGE_FOLDER = join(import.meta.dirname, "../dashboard/dist");

export type Serving = {
  readonly settings: ApiSettings;
  readonly enabled: readonly EnabledMode[];
  readonly catalogue: Catalogue;
  /** Those at the start; null where every route is open. */
  readonly tokens: Tokens | null;
  readonly log: FastifyBaseLogger;
  readonly closers: Closers;
  /** Called when a setting is found to be wrong once its server answers: the program has to stop. */
  readonly failed: (error: Error) => void;
};

export type Served = { readonly url: string; readonly app: FastifyInstance };

/** Opens all parts of the API and listens, whether or not its servers answer yet. */
export const serve = async (serving: Serving): Promise<Served> => {
  const { settings, enabled, log, closers, failed } = serving;
  const registry = openRegistry("order-api", packageJson.version);
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-api-reader",
      maxConnections: settings.readConnections,
      statementTimeoutMs: READ_TIMEOUT_MS,
      connectTimeoutMs: 400,
      onUnfit: (error, isStart) => {
        if (isStart) failed(error);
        else log.error({ reason: error.message }, "PostgreSQL sessions rejected");
      },
    },
    (error) => log.warn({ reason: error.message }, "idle PostgreSQL connection lost"),
  );
  closers.add("PostgreSQL", () => pool.end());
  const database = pollDatabase(pool, settings.pollEveryMs);
  closers.add("poll of the database", () => database.close());
  const catalogue = openLiveCatalogue(serving.catalogue, pool, settings.pollEveryMs, log);
  closers.add("poll of the catalogue", () => catalogue.close());
  const intakes = openIntakes(enabled, settings, log, failed);
  closers.add("intakes", () => intakes.close());
  const { onError, onConnected } = boardEvents(log, failed);
  const board = openBoardReader(settings.boardRedisUrl, () => fanout.changed(), onError, onConnected);
  closers.add("board", () => board.close());
  const metrics = openApiMetrics(registry, catalogue, intakes.states);
  openBoardAge(registry, board.latest);
  const modeNames = enabled.map(({ mode }) => mode.name);
  const stored = pollStored(pool, registry, modeNames);
  closers.add("poll of stored figures", () => stored.close());
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
    allowedOrigins: originsIn(settings.allowedOrigins),
    access: openAccess(serving, registry),
    setup: () => setupOf(settings, enabled, catalogue, intakes),
    pageFolder: PAGE_FOLDER,
  });
  closers.add("HTTP", () => app.close());
  const { url, close } = await listen(app, settings);
  closers.add("connections", close);
  const modes = enabled.map(({ mode, settings: knobs }) => `${mode.name}: ${mode.durability(knobs)}`);
  log.info({ modes }, "accepting orders");
  return { url, app };
};

const openAccess = (
  { settings, tokens, log, closers }: Serving,
  registry: Registry,
): AccessOptions | null => {
  if (tokens === null) {
    if (!LOOPBACK.test(settings.host))
      log.warn(
        { host: settings.host },
        "ACCESS is open: everyone who reaches this address may send orders and read them",
      );
    return null;
  }
  const source = followTokens(tokens, settings.tokensFile, log);
  closers.add("tokens", () => source.close());
  openTokenGauge(registry, source.isRejected);
  return {
    tokens: source.current,
    onChange: source.onChange,
    denied: openAccessMetrics(registry),
    protectsMetrics: settings.protectMetrics,
  };
};

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

const setupOf = (
  settings: ApiSettings,
  enabled: readonly EnabledMode[],
  catalogue: Catalogue,
  { verified }: Intakes,
): Setup => ({
  modes: enabled.map(({ mode, settings: knobs }) => ({
    name: mode.name,
    title: mode.title,
    status: mode.accepts,
    durability: mode.durability(knobs),
    verified: verified(mode.name),
  })),
  stores: namesIn(catalogue.stores),
  drinks: namesIn(catalogue.drinks),
  currency: settings.currency || null,
  page_orders_per_second: settings.pageOrdersPerSecond,
});

const namesIn = (names: readonly string[]): Setup["stores"] => ({
  count: names.length,
  names: names.slice(0, MAX_LISTED_NAMES),
});
