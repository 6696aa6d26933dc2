/**
 * The lean generator: what k6 does with a profile of orders and a probe, for a sixth of the cost and less. Same settings (from the
 * environment), same orders, ids, ledger, samples and summary; in one process, by undici. For rates above what k6 can
 * send on the cores it has: `MODE=v2 RATE=5000 DURATION=30 SUMMARY=s.json LINES=l.txt node loadtest/lean/main.ts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { catalogueFrom } from "../../shared/domain/catalogue.ts";
import { openOrders } from "../lib/orders.ts";
import { type Plan, planOf } from "../lib/scenarios.ts";
import { type Settings, settingsFrom } from "../lib/settings.ts";
import { summaryOf, summaryText } from "../lib/summary.ts";
import { profileNamed } from "../profiles/all.ts";
import { openFigures } from "./figures.ts";
import { openLines } from "./lines.ts";
import { sendScenarios } from "./scenarios.ts";

const root = join(import.meta.dirname, "../..");
const ASK_EVERY_MS = 100;
const ASK_WITHIN_MS = 5_000;

/** Nobody wants a thousand lines about a server that is not there. */
const untilReady = async ({ baseUrl, waitSeconds }: Settings): Promise<void> => {
  const ask = (path: string): Promise<number> =>
    fetch(baseUrl + path, { signal: AbortSignal.timeout(ASK_WITHIN_MS) }).then(
      ({ status }) => status,
      () => 0,
    );
  const deadlineMs = Date.now() + waitSeconds * 1_000;
  while (Date.now() < deadlineMs && (await ask("/readyz")) !== 200) await sleep(ASK_EVERY_MS);
  if ((await ask("/livez")) === 0)
    throw new Error(`BASE_URL is ${baseUrl}, where nobody answers: start the system first.`);
};

const refuseOthers = ({ scenarios }: Plan, { profile }: Settings): void => {
  const other = scenarios.find(({ sends }) => sends !== "orders" && sends !== "probes");
  if (other)
    throw new Error(`PROFILE is "${profile}", which has ${other.name}: orders and a probe are all it sends.`);
};

const main = async (): Promise<void> => {
  const settings = settingsFrom(process.env, Date.now());
  const plan = planOf(profileNamed(settings.profile), settings);
  refuseOthers(plan, settings);
  const { stores, drinks } = catalogueFrom(
    JSON.parse(readFileSync(resolve(root, settings.catalogueFile), "utf8")),
  );
  const ordered = stores.filter((store) => !settings.probeStores.includes(store));
  const orders = openOrders({ seed: settings.seed, stores: ordered, drinks });
  await untilReady(settings);
  const startedAtMs = Date.now();
  const figures = openFigures();
  const lines = openLines(process.env["LINES"] ?? null);
  await sendScenarios({ settings, plan, orders, drink: drinks[0] ?? "", figures, log: lines.add });
  lines.close();
  const summary = summaryOf(plan, settings, startedAtMs, figures.asK6());
  console.log(summaryText(summary, null));
  if (settings.summaryFile !== null) writeFileSync(settings.summaryFile, `${JSON.stringify(summary)}\n`);
};

try {
  await main();
  // connections may still be held by a server that is slow to close
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
