/** The API and its workers in this process, on servers of their own. */
import { pino } from "pino";
import { modes } from "#shared/modes/all.ts";
import { loadModeSettings, loadSettings } from "#shared/runtime/config.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { apiKnobs } from "../services/order-api/config.ts";
import { serve } from "../services/order-api/serve.ts";
import { readTokens } from "../services/order-api/token-source.ts";
import { catalogue, closeAll, freshServers, poolOn, type Servers, until, variablesOf } from "./fresh.ts";
import { areModesOk } from "./requests.ts";
import { startWorkerHere } from "./worker-here.ts";

export type System = Servers & { readonly url: string; readonly pool: Pool; close(): Promise<void> };

export type SystemOptions = {
  readonly modes?: readonly string[];
  readonly workers?: boolean;
  /** Servers to use instead of new ones; they are not stopped. */
  readonly on?: Servers;
  /** Settings of the API, by their variables. */
  readonly env?: Record<string, string>;
};

export const startSystem = async (options: SystemOptions = {}): Promise<System> => {
  const closers = openClosers();
  const servers = options.on ?? (await freshServers(closers));
  const pool = poolOn(servers.databaseUrl, 8);
  closers.add("pool", () => pool.end());
  const quick = { V1_TICK_MS: "200", PORT: "0", POLL_EVERY_MS: "100" };
  const env = { ...variablesOf(servers), ...quick, ...options.env };
  const enabled = modes
    .filter((mode) => options.modes?.includes(mode.name) ?? true)
    .map((mode) => ({ mode, settings: loadModeSettings(mode, env) }));
  const settings = loadSettings(apiKnobs, env);
  const log = pino({ level: "silent" });
  const failed = (error: Error): void => {
    throw error;
  };
  const { url } = await serve({
    settings,
    enabled,
    catalogue,
    tokens: readTokens(settings),
    log,
    closers,
    failed,
  });
  if (options.workers ?? true)
    for (const { mode, settings: knobs } of enabled) {
      const { stop } = startWorkerHere(mode, knobs, servers.board.url, pool);
      closers.add(`worker ${mode.name}`, stop);
    }
  await until("every mode accepts orders", () => areModesOk(url));
  return { ...servers, url, pool, close: () => closeAll(closers) };
};
