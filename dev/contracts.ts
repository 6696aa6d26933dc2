/**
 * npm run contracts: writes docs/openapi.json and docs/asyncapi.json, made from the schemas that validate. `-- --check`
 * writes nothing, and fails when they differ from the code.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { modes } from "#shared/modes/all.ts";
import { openLog } from "#shared/runtime/log.ts";
import { openRegistry } from "#shared/runtime/prometheus.ts";
import { openPool } from "#shared/store/pool.ts";
import packageJson from "../package.json" with { type: "json" };
import { buildApp } from "../services/order-api/app.ts";
import catalogueJson from "../services/order-api/catalogue.json" with { type: "json" };
import { openFanout } from "../services/order-api/fanout/fanout.ts";
import { openIntakes } from "../services/order-api/intakes.ts";
import { fixedCatalogue } from "../services/order-api/live-catalogue.ts";
import { openApiMetrics } from "../services/order-api/metrics.ts";

const root = dirname(import.meta.dirname);

/** By file: the documents of an API with every mode and no server. */
export const publishedContracts = async (): Promise<Record<string, object>> => {
  const log = openLog("contracts", "error", false);
  const catalogue = catalogueFrom(catalogueJson);
  const registry = openRegistry("contracts", packageJson.version);
  // the routes need only the names of the modes
  const intakes = { ...openIntakes([], { maxLagOrders: 1, pollEveryMs: 1_000 }, log), modes };
  const metrics = openApiMetrics(registry, catalogue, intakes.states);
  const app = await buildApp({
    log,
    rules: { catalogue: fixedCatalogue(catalogue), maxEventAgeDays: 366 },
    intakes,
    fanout: openFanout(() => null, intakes, metrics),
    metrics,
    registry,
    // it connects at the first query, which no route of the documents sends
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
    access: null,
    setup: () => {
      throw new Error("the documents are made of schemas alone");
    },
    pageFolder: root,
  });
  try {
    await app.ready();
    return {
      // not as it is served: that has the names of a catalogue, and examples of the present time
      "docs/openapi.json": JSON.parse(JSON.stringify(app.swagger())),
      "docs/asyncapi.json": (await app.inject("/asyncapi.json")).json(),
    };
  } finally {
    await app.close();
  }
};

const committed = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8"));
  } catch {
    // missing or not JSON: it differs from the code
    return undefined;
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const contracts = Object.entries(await publishedContracts());
  const stale = contracts.filter(([file, contract]) => !isDeepStrictEqual(committed(file), contract));
  if (values.check) {
    for (const [file] of stale) console.error(`${file} differs from the code: run npm run contracts`);
    process.exitCode = stale.length > 0 ? 1 : 0;
    return;
  }
  for (const [file, contract] of stale) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), JSON.stringify(contract));
    const format = [join(import.meta.dirname, "lint.mjs"), "format", "--write", file];
    execFileSync(process.execPath, format, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  }
  console.log(
    stale.length > 0 ? `written: ${stale.map(([file]) => file).join(", ")}` : "the documents are up to date",
  );
};

// not import.meta.main: dev/bootstrap.mjs imports the commands of npm
if (process.argv[1] === import.meta.filename) await main();
