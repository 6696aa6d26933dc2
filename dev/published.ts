/** The contracts as the code says them now: the routes of a whole API, all modes, no server behind it. */

import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes } from "#shared/modes/all.ts";
import { openLog } from "#shared/runtime/log.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { openPool } from "#shared/store/pool.ts";
import packageJson from "../package.json" with { type: "json" };
import { buildApp } from "../services/order-api/app.ts";
import catalogueJson from "../services/order-api/catalogue.json" with { type: "json" };
import { openFanout } from "../services/order-api/fanout.ts";
import { openIntakes } from "../services/order-api/intakes.ts";
import { openApiMetrics } from "../services/order-api/metrics.ts";
import { namesTold } from "../services/order-api/routes/setup.ts";

/** By the file that each is committed as. */
export const publishedContracts = async (): Promise<Record<string, object>> => {
  const log = openLog("contracts", "error", false);
  const catalogue = catalogueFrom(catalogueJson);
  const registry = openRegistry("contracts", packageJson.version);
  // the routes need the modes' names alone
  const intakes = { ...openIntakes([], { maxLagOrders: 1, pollEveryMs: 1_000 }, log), modes };
  const metrics = openApiMetrics(registry, catalogue, intakes.states);
  const app = await buildApp({
    log,
    rules: { catalogue, maxEventAgeDays: 366 },
    intakes,
    fanout: openFanout(() => null, intakes, metrics),
    metrics,
    registry,
    // connects when it is asked something
    pool: openPool(
      {
        databaseUrl: "postgres://nobody@127.0.0.1:1/none",
        program: "contracts",
        maxConnections: 1,
        statementTimeoutMs: 1,
        connectTimeoutMs: 1,
      },
      () => undefined,
    ),
    databaseState: () => "away",
    boardIsConnected: () => false,
    maxSockets: 1,
    allowedOrigins: [],
    setup: () => ({
      modes: [],
      stores: namesTold(catalogue.stores),
      drinks: namesTold(catalogue.drinks),
      currency: null,
      page_orders_per_second: 0,
    }),
    pageFolder: "",
  });
  try {
    const read = async (url: string): Promise<object> => (await app.inject(url)).json();
    return {
      "docs/openapi.json": await read("/openapi.json"),
      "docs/asyncapi.json": await read("/asyncapi.json"),
    };
  } finally {
    await app.close();
  }
};
