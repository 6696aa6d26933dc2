/**
 * npm run check:observability: a real Prometheus on the whole running system. After a minute of load in every mode every
 * query of every board and rule has data; then each alert is made to fire by its real fault, and to end, with the
 * windows of the rules divided by 60.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { modes as allModes } from "#shared/modes/all.ts";
import { type Closers, messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { readRules } from "../../grafana/rules.ts";
import { openDatabase } from "../faults/database.ts";
import { mountSmallDisk } from "../faults/kinds/full-disk.ts";
import { prepareSlowFsync } from "../faults/kinds/slow-fsync.ts";
import { startSystem } from "../system/launcher.ts";
import { type Breakage, breakages, type CheckGround, type Expected, tells } from "./breakages.ts";
import { agentFor, observe } from "./observe.ts";
import { askedFor, firing, unanswered, unreadPages } from "./queries.ts";
import { startTraffic } from "./traffic.ts";

const USAGE = `npm run check:observability                    every query, every alert; as root
  --queries            the queries alone
  --alert A,B          these alerts alone (${[...new Set(breakages.flatMap(tells))].join(", ")})`;

const DIVIDE_BY = 60;
const SCRAPE_MS = 500;
const RATE_INTERVAL = "20s";
const LOAD_MS = 60_000;
/** Enough for the shortest windows of the rules to be full. */
const WARM_MS = 12_000;
const FIRES_WITHIN_MS = 120_000;
const ENDS_WITHIN_MS = 150_000;
const LOOK_EVERY_MS = 500;
/** A quarter of an hour by the divided windows: longer than the quickest alerts wait. */
const UNDISTURBED_MS = 15_000;
const SMALL_DISK_MB = 128;
/** A sampled look at the rollups is due every minute otherwise. */
const RECONCILE_EVERY_MS = 2_000;
/** Small enough to be filled in seconds. */
const STREAM_MEMORY = "16mb";

const problems: string[] = [];
const say = (line: string): void => console.log(line);
const startedAt = performance.now();
const at = (): string => `${String(Math.round((performance.now() - startedAt) / 1_000)).padStart(4)} s`;

type Checked = { readonly ground: CheckGround; readonly prometheusUrl: string };

const start = async (closers: Closers): Promise<Checked> => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "coffee-rt-observability-"));
  closers.add("the data folder", () => rmSync(folder, { recursive: true, force: true }));
  // as root the servers run as somebody else, who has to get there
  chmodSync(folder, 0o755);
  const smallDisk = await mountSmallDisk(folder, SMALL_DISK_MB, closers);
  const { servers: slow } = await prepareSlowFsync(folder, { maxmemory: STREAM_MEMORY });
  const modes = allModes.map(({ name }) => name);
  const onLine = (line: string): void => say(`          ${line}`);
  const { agent, servers } = await agentFor(modes, onLine);
  const dataDir = join(folder, "data");
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o755);
  const system = await startSystem({
    modes,
    dataDir,
    env: { RECONCILE_EVERY_MS: String(RECONCILE_EVERY_MS), LOG_LEVEL: "error" },
    servers: { ...servers, stream: { ...slow?.stream, dataDir: join(smallDisk, "redis-stream") } },
    onLine,
  });
  closers.add("the system", () => system.stop());
  const observed = await observe({
    system,
    agent,
    dataDir: join(dataDir, "observe"),
    scrapeMs: SCRAPE_MS,
    divideBy: DIVIDE_BY,
    log: onLine,
  });
  closers.add("Prometheus", () => observed.close());
  const pool = openDatabase(system.env["DATABASE_URL"] ?? "");
  closers.add("PostgreSQL", () => pool.end());
  const traffic = startTraffic(system.url, system.modes);
  closers.add("the traffic", () => traffic.stop());
  return { ground: { system, pool, folder, smallDisk }, prometheusUrl: observed.url };
};

const checkQueries = async ({ ground, prometheusUrl }: Checked): Promise<void> => {
  await sleep(LOAD_MS);
  problems.push(...(await unreadPages(prometheusUrl)).map((page) => `not read: ${page}`));
  const asked = askedFor(RATE_INTERVAL, ground.system.modes);
  const without = await unanswered(prometheusUrl, asked);
  problems.push(...without.map(({ by, expr }) => `no data: ${by}: ${expr}`));
  say(`${at()}  ${asked.length - without.length} of ${asked.length} queries have data`);
};

const isFiring = async (prometheusUrl: string, { alert, labels }: Expected): Promise<boolean> => {
  const wanted = Object.entries({ alertname: alert, ...labels });
  return (await firing(prometheusUrl)).some((found) =>
    wanted.every(([name, value]) => found[name] === value),
  );
};

/** Those of the alerts that are not as wanted when the time is over. */
const untilAll = async (
  prometheusUrl: string,
  alerts: readonly Expected[],
  wanted: boolean,
  withinMs: number,
  onEach: (alert: string) => void = () => undefined,
): Promise<readonly Expected[]> => {
  let left = alerts;
  for (const deadline = performance.now() + withinMs; left.length > 0; await sleep(LOOK_EVERY_MS)) {
    const states = await Promise.all(left.map((each) => isFiring(prometheusUrl, each)));
    for (const [index, { alert }] of left.entries()) if (states[index] === wanted) onEach(alert);
    left = left.filter((_each, index) => states[index] !== wanted);
    if (performance.now() > deadline) break;
  }
  return left;
};

const breakOne = async ({ ground, prometheusUrl }: Checked, breakage: Breakage): Promise<void> => {
  const { name, strike } = breakage;
  const alerts = breakage.alerts(ground);
  const early = await untilAll(prometheusUrl, alerts, false, ENDS_WITHIN_MS);
  problems.push(...early.map(({ alert }) => `${alert} fires before ${name}`));
  say(`${at()}  ${name}`);
  const struckAt = performance.now();
  const mend = await strike(ground);
  try {
    const silent = await untilAll(prometheusUrl, alerts, true, FIRES_WITHIN_MS, (alert) =>
      say(`${at()}    ${alert} fires after ${Math.round((performance.now() - struckAt) / 1_000)} s`),
    );
    problems.push(...silent.map(({ alert }) => `${alert} does not fire when ${name}`));
  } finally {
    await mend();
  }
};

/** What mends itself wakes nobody: an emptied board is filled within seconds, as the runbook says. */
const checkFlush = async ({ ground, prometheusUrl }: Checked): Promise<void> => {
  const names = async (): Promise<string[]> =>
    (await firing(prometheusUrl)).map((labels) => JSON.stringify(labels));
  const before = await names();
  const options = { ...redisOptions("coffee-check"), lazyConnect: true };
  const board = openRedis(ground.system.env["BOARD_REDIS_URL"] ?? "", options, () => undefined);
  try {
    await board.connect();
    await board.flushall();
    say(`${at()}  the board's Redis is emptied`);
    await sleep(UNDISTURBED_MS);
    if ((await board.dbsize()) === 0) problems.push("the board's Redis stays empty");
  } finally {
    await closeRedis(board);
  }
  const woken = (await names()).filter((name) => !before.includes(name));
  problems.push(...woken.map((name) => `fires because the board's Redis was emptied: ${name}`));
};

const checkAlerts = async (checked: Checked, chosen: readonly string[]): Promise<void> => {
  const struck = breakages.filter((breakage) => tells(breakage).some((alert) => chosen.includes(alert)));
  await sleep(WARM_MS);
  for (const breakage of struck) await breakOne(checked, breakage);
  const alerts = struck.flatMap((breakage) => breakage.alerts(checked.ground));
  const lasting = await untilAll(checked.prometheusUrl, alerts, false, ENDS_WITHIN_MS);
  problems.push(...lasting.map(({ alert }) => `${alert} does not end`));
  say(`${at()}  ${alerts.length - lasting.length} of ${alerts.length} alerts are silent again`);
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { queries: { type: "boolean" }, alert: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) {
    say(USAGE);
    process.exit(0);
  }
  const known = readRules().flatMap(({ alert }) => alert ?? []);
  const chosen = values.alert?.split(",") ?? (values.queries ? [] : known);
  const unknown = chosen.filter((alert) => !breakages.some((breakage) => tells(breakage).includes(alert)));
  if (unknown.length > 0) throw new Error(`nothing makes ${unknown.join(", ")} fire\n${USAGE}`);
  const closers = openClosers();
  const ending = (signal: NodeJS.Signals): void => {
    say(`${signal}: stopping what runs`);
    void closers.closeAll().then(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, ending);
  try {
    const checked = await start(closers);
    say(`${at()}  Prometheus runs at ${checked.prometheusUrl}`);
    if (values.alert === undefined) await checkQueries(checked);
    if (values.alert === undefined && !values.queries) await checkFlush(checked);
    if (chosen.length > 0) await checkAlerts(checked, chosen);
  } finally {
    for (const failure of await closers.closeAll()) say(failure.message);
  }
};

try {
  await main();
  for (const problem of problems) console.error(`NOT OK  ${problem}`);
  say(`${at()}  ${problems.length === 0 ? "all is well" : `${problems.length} problems`}`);
  process.exit(problems.length === 0 ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
