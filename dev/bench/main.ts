/**
 * npm run bench: how many single orders one API process accepts per second in each mode, beside the null route (the
 * same app, validation and reply without a backend) in the same run. Two cores are shared by generator, server and
 * database, so only the ratios mean anything; rounds are interleaved and shuffled, workers are stopped.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { randomFrom } from "#shared/domain/random.ts";
import { modes as allModes } from "#shared/modes/all.ts";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { migrate } from "../../db/migrate.ts";
import { runProgram } from "../programs.ts";
import { freePort } from "../servers/ports.ts";
import { startServers } from "../servers/seam.ts";

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;

type Figures = Record<string, number[]>;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "5" } },
});
const closers = openClosers();
const random = randomFrom(Date.now());

/** Orders accepted per second; any other answer voids the round. */
const round = async (url: string, mode: string, seconds: number): Promise<number> => {
  const result = await autocannon({
    url: `${url}/api/${mode}/order`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ drink: "latte", store: "uptown", price: 4.5 }),
    connections: CONNECTIONS,
    duration: seconds,
  });
  const refused = result.non2xx + result.errors + result.timeouts;
  if (refused > 0) throw new Error(`${mode}: ${refused} orders were not accepted; the round is void`);
  return result["2xx"] / result.duration;
};

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;

const startApi = async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-bench-"));
  closers.add("logs", () => rmSync(folder, { recursive: true }));
  const servers = await startServers({ postgres: {}, board: {}, stream: {}, kafka: { log: console.log } });
  for (const server of Object.values(servers)) closers.add(server.name, () => server.stop());
  await migrate(servers.postgres?.url ?? "", console.log);
  const port = await freePort();
  const api = runProgram({
    name: "order-api",
    file: "dev/bench/api.ts",
    env: {
      DATABASE_URL: servers.postgres?.url ?? "",
      BOARD_REDIS_URL: servers.board?.url ?? "",
      STREAM_REDIS_URL: servers.stream?.url ?? "",
      KAFKA_BROKERS: servers.kafka?.url ?? "",
      ...Object.fromEntries(allModes.map((mode) => [`${mode.name.toUpperCase()}_ENABLED`, "true"])),
      MAX_LAG_ORDERS: "1000000000",
      PORT: String(port),
      LOG_LEVEL: "warn",
    },
    logFile: join(folder, "order-api.log"),
    onLine: (line) => console.log(line),
  });
  closers.add("order-api", () => api.stop());
  return `http://127.0.0.1:${port}`;
};

const allReady = async (url: string): Promise<boolean> => {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  const { modes } = ((await response?.json()) ?? { modes: {} }) as {
    modes: Record<string, { health: string }>;
  };
  const states = Object.values(modes);
  return states.length > allModes.length && states.every(({ health }) => health === "ok");
};

const report = (figures: Figures): void => {
  const ceiling = figures["null"] ?? [];
  console.log("\nroute   accepted/s, median [range]      of the null route, median [range]");
  for (const [mode, rates] of Object.entries(figures)) {
    const ratios = rates.map((rate, index) => rate / (ceiling[index] ?? rate));
    const spread = (list: readonly number[], digits: number): string =>
      `${median(list).toFixed(digits)} [${Math.min(...list).toFixed(digits)}..${Math.max(...list).toFixed(digits)}]`;
    console.log(`${mode.padEnd(6)}  ${spread(rates, 0).padEnd(30)}  ${spread(ratios, 2)}`);
  }
};

try {
  const url = await startApi();
  while (!(await allReady(url))) await sleep(200);
  const routes = ["null", ...allModes.map((mode) => mode.name)];
  for (const mode of routes) await round(url, mode, WARM_UP_SECONDS);
  const figures: Figures = Object.fromEntries(routes.map((mode) => [mode, []]));
  for (let index = 1; index <= Number(values.rounds); index++) {
    for (const mode of random.shuffled(routes))
      figures[mode]?.push(await round(url, mode, Number(values.seconds)));
    console.log(`round ${index} of ${values.rounds}`);
  }
  report(figures);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
} finally {
  for (const failure of await closers.closeAll()) console.error(failure.message);
}
