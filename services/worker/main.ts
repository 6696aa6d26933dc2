import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { boardEvents, openBoardWriter } from "#shared/board/board.ts";
import { modes } from "#shared/modes/all.ts";
import type { Mode } from "#shared/ports.ts";
import { loadModeSettings, loadSettings } from "#shared/runtime/config.ts";
import { type Closers, messageOf, orExit, runProgram } from "#shared/runtime/lifecycle.ts";
import { openLog } from "#shared/runtime/log.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { openPool } from "#shared/store/pool.ts";
import { checkKeeps } from "#shared/store/retention.ts";
import packageJson from "../../package.json" with { type: "json" };
import { type WorkerSettings, workerKnobs } from "./config.ts";
import { openKeeper, openSampler } from "./maintenance.ts";
import { openWorkerMetrics } from "./metrics.ts";
import { openWorker } from "./worker.ts";

const modeNamed = (name: string): Mode => {
  const mode = modes.find((each) => each.name === name);
  if (!mode)
    throw new Error(`MODE is "${name}": expected one of ${modes.map((each) => each.name).join(", ")}.`);
  return mode;
};

const settings: WorkerSettings = orExit(() => loadSettings(workerKnobs, process.env));
const mode = orExit(() => modeNamed(settings.mode));
const modeSettings = orExit(() => loadModeSettings(mode, process.env));
orExit(() => checkKeeps(settings, mode, modeSettings));
const log = openLog(`worker-${mode.name}`, settings.logLevel, process.stdout.isTTY === true);

const METHODS = ["GET", "HEAD"];

const serveMetrics = async (registry: Registry, closers: Closers): Promise<void> => {
  const server = createServer((request, response) => {
    const isMetrics = request.url === "/metrics";
    const isKnown = isMetrics || request.url === "/livez";
    if (isKnown && !METHODS.includes(request.method ?? "")) {
      response.writeHead(405, { allow: METHODS.join(", ") }).end();
      return;
    }
    response.statusCode = isKnown ? 200 : 404;
    response.setHeader("content-type", registry.contentType);
    const body = isMetrics ? registry.metrics() : Promise.resolve("");
    body.then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(settings.metricsPort, settings.host, resolve);
  });
  closers.add("metrics", () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  log.info({ port: (server.address() as AddressInfo).port }, "serving /metrics");
};

await runProgram(log, settings.stopDeadlineMs, async (closers, failed) => {
  const registry = openRegistry("worker", packageJson.version);
  await serveMetrics(registry, closers);
  const { databaseUrl, databaseConnections, statementTimeoutMs } = settings;
  const pool = openPool(
    {
      databaseUrl,
      program: `coffee-worker-${mode.name}`,
      maxConnections: databaseConnections,
      statementTimeoutMs,
      connectTimeoutMs: 2_000,
      isWriter: true,
      // a worker can do nothing without PostgreSQL
      onUnfit: failed,
    },
    (error) => log.warn({ err: error }, "idle PostgreSQL connection lost"),
  );
  closers.add("PostgreSQL", () => pool.end());
  const keeper = openKeeper(pool, settings, log);
  closers.add("keeper", () => keeper.close());
  const { onError, onConnected } = boardEvents(log, failed);
  const board = openBoardWriter(settings.boardRedisUrl, onError, onConnected);
  closers.add("board", () => board.close());
  const metrics = openWorkerMetrics(registry, mode.name);
  if (settings.reconcileEveryMs > 0) {
    const { reconcileEveryMs } = settings;
    const sampler = openSampler({ databaseUrl, mode: mode.name, log, reconcileEveryMs, metrics });
    closers.add("sampler", () => sampler.close());
  }
  const source = mode.openSource(modeSettings, log);
  const worker = openWorker({
    settings,
    mode: mode.name,
    source,
    pool,
    board,
    log,
    metrics,
  });
  closers.add("worker", () => worker.close());
  worker.ended.catch(failed);
  log.info({ mode: mode.name, title: mode.title }, "counting");
});
