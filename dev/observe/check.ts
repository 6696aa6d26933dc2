/**
 * npm run check:observability: a real Prometheus on the whole running system. After a minute of load in every mode every
 * query of every board and rule must have data. Then each alert must fire by a real fault and stop after the repair, with
 * the windows of the rules divided by 60.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { modes as allModes } from "#shared/modes/all.ts";
import { type Closers, messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import { servers as serverTable } from "#shared/servers.ts";
import { metricsIn, type Query, queriesOfAll, readRules, withVariables } from "../../grafana/queries.ts";
import { mountSmallDisk, prepareSlowFsync } from "../faults/kinds/disks.ts";
import { openDatabase } from "../system/database.ts";
import { startSystem, temporaryFolder } from "../system/launcher.ts";
import {
  type AlertFault,
  alertFaults,
  alertsOf,
  type CheckedSystem,
  type ExpectedAlert,
} from "./alert-faults.ts";
import { agentFor } from "./exporters.ts";
import { failedTargets, firingAlerts, startPrometheus, withoutData } from "./prometheus.ts";
import { startTraffic } from "./traffic.ts";

const USAGE = `npm run check:observability                    every query, every alert; needs root
  --queries            only the queries
  --alert A,B          only these alerts (${[...new Set(alertFaults.flatMap(alertsOf))].join(", ")})`;

const DIVIDE_BY = 60;
const SCRAPE_MS = 500;
const RATE_INTERVAL = "20s";
const LOAD_MS = 60_000;
/** Fills the shortest windows of the rules. */
const WARM_MS = 12_000;
const FIRE_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 150_000;
const POLL_EVERY_MS = 500;
/** A quarter of an hour in divided windows: longer than the shortest `for` of an alert. */
const UNDISTURBED_MS = 15_000;
const SMALL_DISK_MB = 128;
/** Instead of every minute. */
const RECONCILE_EVERY_MS = 2_000;
/** Filled within seconds. */
const STREAM_MEMORY = "16mb";

const problems: string[] = [];
const say = (line: string): void => console.log(line);
const startedAt = performance.now();
const at = (): string => `${String(Math.round((performance.now() - startedAt) / 1_000)).padStart(4)} s`;

type Observed = { readonly checked: CheckedSystem; readonly prometheusUrl: string };

const start = async (closers: Closers): Promise<Observed> => {
  const folder = temporaryFolder("coffee-rt-observability-", closers);
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
  const prometheus = await startPrometheus({
    system,
    agent,
    dataDir: join(dataDir, "observe"),
    scrapeMs: SCRAPE_MS,
    divideBy: DIVIDE_BY,
    log: onLine,
  });
  closers.add("Prometheus", () => prometheus.close());
  const pool = openDatabase(system.env[serverTable.postgres.variable] ?? "");
  closers.add("PostgreSQL", () => pool.end());
  const traffic = startTraffic(system.url, system.modes);
  closers.add("the traffic", () => traffic.stop());
  return { checked: { system, pool, folder, smallDisk }, prometheusUrl: prometheus.url };
};

/** A query with `$mode` is asked for each mode: an answer for one mode says nothing about the others. */
const forEachMode = ({ by, expr }: Query, modes: readonly string[]): readonly Query[] =>
  (expr.includes("$mode") ? modes : [".*"]).map((mode) => ({
    by,
    expr: withVariables(expr, RATE_INTERVAL, mode),
  }));

/**
 * An alert has values only while it fires, which the faults check: here each metric that it reads is queried instead. A
 * recorded comparison of a mode without a value yet is queried by its name.
 */
const queriesToAsk = (modes: readonly string[]): readonly Query[] =>
  queriesOfAll().flatMap(({ by, expr, rule }) => {
    if (rule?.alert !== undefined) return metricsIn(expr).map((metric) => ({ by, expr: metric }));
    if (rule?.record === undefined) return forEachMode({ by, expr }, modes);
    const recorded = rule.record.startsWith("mode:") ? `${rule.record}{mode="$mode"}` : rule.record;
    return forEachMode({ by, expr: recorded }, modes);
  });

const checkQueries = async ({ checked, prometheusUrl }: Observed): Promise<void> => {
  await sleep(LOAD_MS);
  problems.push(...(await failedTargets(prometheusUrl)).map((target) => `not scraped: ${target}`));
  const asked = queriesToAsk(checked.system.modes);
  const without = await withoutData(prometheusUrl, asked);
  problems.push(...without.map(({ by, expr }) => `no data: ${by}: ${expr}`));
  say(`${at()}  ${asked.length - without.length} of ${asked.length} queries have data`);
};

const isFiring = async (prometheusUrl: string, { alert, labels }: ExpectedAlert): Promise<boolean> => {
  const wanted = Object.entries({ alertname: alert, ...labels });
  return (await firingAlerts(prometheusUrl)).some((found) =>
    wanted.every(([name, value]) => found[name] === value),
  );
};

/** The alerts that are not in the wanted state when the time is over. */
const untilAll = async (
  prometheusUrl: string,
  alerts: readonly ExpectedAlert[],
  wanted: boolean,
  withinMs: number,
  onEach: (alert: string) => void = () => undefined,
): Promise<readonly ExpectedAlert[]> => {
  let left = alerts;
  for (const deadline = performance.now() + withinMs; left.length > 0; await sleep(POLL_EVERY_MS)) {
    const states = await Promise.all(left.map((each) => isFiring(prometheusUrl, each)));
    for (const [index, { alert }] of left.entries()) if (states[index] === wanted) onEach(alert);
    left = left.filter((_each, index) => states[index] !== wanted);
    if (performance.now() > deadline) break;
  }
  return left;
};

const checkFault = async ({ checked, prometheusUrl }: Observed, fault: AlertFault): Promise<void> => {
  const { name } = fault;
  const alerts = fault.alerts(checked);
  const early = await untilAll(prometheusUrl, alerts, false, STOP_WITHIN_MS);
  problems.push(...early.map(({ alert }) => `${alert} fires before ${name}`));
  say(`${at()}  ${name}`);
  const injectedAt = performance.now();
  const repair = await fault.inject(checked);
  try {
    const silent = await untilAll(prometheusUrl, alerts, true, FIRE_WITHIN_MS, (alert) =>
      say(`${at()}    ${alert} fires after ${Math.round((performance.now() - injectedAt) / 1_000)} s`),
    );
    problems.push(...silent.map(({ alert }) => `${alert} does not fire when ${name}`));
  } finally {
    await repair();
  }
};

/** The system repairs an emptied board within seconds, as the runbook says, so no alert may fire. */
const checkFlush = async ({ checked, prometheusUrl }: Observed): Promise<void> => {
  const names = async (): Promise<string[]> =>
    (await firingAlerts(prometheusUrl)).map((labels) => JSON.stringify(labels));
  const before = await names();
  const options = { ...redisOptions("coffee-check"), lazyConnect: true };
  const board = openRedis(checked.system.env[serverTable.board.variable] ?? "", options, () => undefined);
  try {
    await board.connect();
    await board.flushall();
    say(`${at()}  the board's Redis is emptied`);
    await sleep(UNDISTURBED_MS);
    if ((await board.dbsize()) === 0) problems.push("the board's Redis stays empty");
  } finally {
    await closeRedis(board);
  }
  const fired = (await names()).filter((name) => !before.includes(name));
  problems.push(...fired.map((name) => `fires because the board's Redis was emptied: ${name}`));
};

const checkAlerts = async (observed: Observed, chosen: readonly string[]): Promise<void> => {
  const faults = alertFaults.filter((fault) => alertsOf(fault).some((alert) => chosen.includes(alert)));
  await sleep(WARM_MS);
  for (const fault of faults) await checkFault(observed, fault);
  const alerts = faults.flatMap((fault) => fault.alerts(observed.checked));
  const lasting = await untilAll(observed.prometheusUrl, alerts, false, STOP_WITHIN_MS);
  problems.push(...lasting.map(({ alert }) => `${alert} does not stop`));
  say(`${at()}  ${alerts.length - lasting.length} of ${alerts.length} alerts stopped`);
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
  const faulty = alertFaults.flatMap(alertsOf);
  const unknown = chosen.filter((alert) => !faulty.includes(alert));
  if (unknown.length > 0) throw new Error(`no fault fires ${unknown.join(", ")}\n${USAGE}`);
  const closers = openClosers();
  const stopOn = (signal: NodeJS.Signals): void => {
    say(`${signal}: stopping`);
    void closers.closeAll().then(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stopOn);
  try {
    const observed = await start(closers);
    say(`${at()}  Prometheus runs at ${observed.prometheusUrl}`);
    if (values.alert === undefined) await checkQueries(observed);
    if (values.alert === undefined && !values.queries) await checkFlush(observed);
    if (chosen.length > 0) await checkAlerts(observed, chosen);
  } finally {
    for (const failure of await closers.closeAll()) say(failure.message);
  }
};

try {
  await main();
  for (const problem of problems) console.error(`NOT OK  ${problem}`);
  say(`${at()}  ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
  process.exit(problems.length === 0 ? 0 : 1);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
