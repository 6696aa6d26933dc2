/**
 * The Node generator: runs any load profile in one process, as k6 does (../k6/main.ts), for a fraction of the CPU. Same
 * settings (from the environment), orders, ids, planned times, probes, watchers, ledger, samples, summary and objectives:
 * `MODE=v2 RATE=5000 DURATION=30 SUMMARY=s.json LINES=l.txt node loadtest/node/main.ts`.
 *
 * It drops no request: with MAX_VUS requests under way it sends the next ones late, and their latency includes that. As
 * with k6, exit status 99 means that an objective was missed, and 130 that the run was interrupted.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { catalogueFrom } from "../../shared/domain/catalogue.ts";
import { endWithReader } from "../../shared/runtime/closed-output.ts";
import { ENDS_AFTER_SECONDS } from "../k6/lib/k6-options.ts";
import { authorizationOf } from "../k6/lib/live.ts";
import { missedOf, type Objective, objectivesOf } from "../k6/lib/objectives.ts";
import { openOrders } from "../k6/lib/orders.ts";
import { planOf } from "../k6/lib/plan.ts";
import {
  accessPath,
  deniedBy,
  NO_ORDERS,
  type Settings,
  settingsFrom,
  unreachable,
} from "../k6/lib/settings.ts";
import { summaryOf, summaryText } from "../k6/lib/summary.ts";
import { profileNamed } from "../k6/profiles/all.ts";
import { type NodeFigures, openFigures, openLines } from "./figures.ts";
import { sendScenarios } from "./scenarios.ts";

endWithReader();

const root = join(import.meta.dirname, "../..");
const ASK_EVERY_MS = 100;
const ASK_WITHIN_MS = 5_000;
const MISSED_OBJECTIVE = 99;
const INTERRUPTED = 130;

/** Without a server the run ends with one error, not with a line for each request. */
const untilReady = async (settings: Settings): Promise<void> => {
  const ask = (path: string, body?: string): Promise<number> =>
    fetch(settings.baseUrl + path, {
      ...(body !== undefined && { method: "POST", body }),
      headers: { ...authorizationOf(settings.apiToken), "content-type": "application/json" },
      signal: AbortSignal.timeout(ASK_WITHIN_MS),
    }).then(
      ({ status }) => status,
      () => 0,
    );
  const deadlineMs = Date.now() + settings.waitSeconds * 1_000;
  while (Date.now() < deadlineMs && (await ask("/readyz")) !== 200) await sleep(ASK_EVERY_MS);
  if ((await ask("/livez")) === 0) throw new Error(unreachable(settings));
  const denied = deniedBy(await ask(accessPath(settings), NO_ORDERS), settings);
  if (denied !== null) throw new Error(denied);
};

/** As often as k6 evaluates its thresholds. */
const EVALUATE_EVERY_MS = 2_000;

/** Aborts when an objective that ends the run is missed. */
const endAtLimit = (
  objectives: readonly Objective[],
  figures: NodeFigures,
  end: () => void,
): (() => void) => {
  const ending = objectives.filter(({ endsRun }) => endsRun);
  if (ending.length === 0) return () => undefined;
  const startMs = performance.now();
  const timer = setInterval(() => {
    const isEarly = performance.now() - startMs < ENDS_AFTER_SECONDS * 1_000;
    if (!isEarly && ending.some(figures.isMissed)) end();
  }, EVALUATE_EVERY_MS);
  return () => clearInterval(timer);
};

const main = async (): Promise<number> => {
  const settings = settingsFrom(process.env, Date.now());
  const plan = planOf(profileNamed(settings.profile), settings);
  const { stores, drinks } = catalogueFrom(
    JSON.parse(readFileSync(resolve(root, settings.catalogueFile), "utf8")),
  );
  const ordered = stores.filter((store) => !settings.probeStores.includes(store));
  const orders = openOrders({ seed: settings.seed, stores: ordered, drinks });
  await untilReady(settings);
  const startedAtMs = Date.now();
  const figures = openFigures();
  const lines = openLines(process.env["LINES"] || null);
  const objectives = objectivesOf(plan);
  const stop = new AbortController();
  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      isInterrupted = true;
      stop.abort();
    });
  const evaluated = endAtLimit(objectives, figures, () => stop.abort());
  const { signal } = stop;
  await sendScenarios({ settings, plan, orders, drink: drinks[0] ?? "", figures, log: lines.add, signal });
  evaluated();
  lines.close();
  const summary = summaryOf(plan, settings, "node", { startedAtMs, endedAtMs: Date.now() }, figures.values());
  const missed = missedOf(objectives, figures.isMissed);
  console.log(summaryText(summary, missed));
  if (settings.summaryFile !== null) writeFileSync(settings.summaryFile, `${JSON.stringify(summary)}\n`);
  if (isInterrupted) return INTERRUPTED;
  return missed.length > 0 ? MISSED_OBJECTIVE : 0;
};

try {
  // a slow server may keep connections open
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
