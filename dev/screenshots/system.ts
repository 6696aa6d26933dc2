/** The system in the screenshots: sales of the past 30 days, stopped workers, and an API with ten thousand stores. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { v7 as newOrderId } from "uuid";
import { type Catalogue, catalogueFrom } from "#shared/domain/catalogue.ts";
import { demandAt, openCustomers } from "#shared/domain/demand.ts";
import { randomFrom } from "#shared/domain/random.ts";
import { DAY_MS, HOUR_MS, iso } from "#shared/domain/time.ts";
import { openConnections } from "../system/client/connections.ts";
import { deliver, type Order } from "../system/client/orders.ts";
import type { System } from "../system/launcher.ts";
import { type Settings, switchesOf } from "../system/programs.ts";
import { freePort } from "../system/servers/ports.ts";
import { waitUntil } from "../system/wait.ts";
import type { SceneSystem } from "./scenes.ts";

const SALES_PER_HOUR = 9;
const SALES_OF_LAST_HOUR = 17_000;
const WAVES = 3.5;
const BATCH_ORDERS = 1_000;
const RETRY_AFTER_MS = 300;
/** For one request, and for all of them. */
const REPLY_WITHIN_MS = 8_000;
const SENT_WITHIN_MS = 300_000;
const API_STARTS_WITHIN_MS = 30_000;
const MANY_STORES = 10_000;

export const readCatalogue = (file: string): Catalogue =>
  catalogueFrom(JSON.parse(readFileSync(file, "utf8")));

/** Sends orders of the last `days` days and of the last hour, in turn through each mode. */
export const sellHistory = async (
  url: string,
  modes: readonly string[],
  catalogue: Catalogue,
  nowMs: number,
  days: number,
): Promise<void> => {
  const customers = openCustomers(7, catalogue);
  const random = randomFrom(8);
  const orders: Order[] = [];
  const sell = (atMs: number): void => {
    for (const { drink, store, price } of customers.nextSale(atMs))
      orders.push({
        id: newOrderId(),
        drink,
        store,
        cents: Math.round(Number(price) * 100),
        timestamp: iso(atMs),
      });
  };
  for (let hourMs = nowMs - days * DAY_MS; hourMs < nowMs - HOUR_MS; hourMs += HOUR_MS) {
    const sales = Math.round(SALES_PER_HOUR * demandAt(hourMs));
    for (let sale = 0; sale < sales; sale++) sell(hourMs + random.next() * HOUR_MS);
  }
  // as many orders as the demo sends afterwards, in waves
  for (let sale = 0; sale < SALES_OF_LAST_HOUR; sale++) {
    const at = random.next();
    if (random.next() < 0.8 + 0.2 * Math.sin(at * WAVES * 2 * Math.PI)) sell(nowMs - at * HOUR_MS);
  }
  const connections = openConnections(url, REPLY_WITHIN_MS);
  const signal = AbortSignal.timeout(SENT_WITHIN_MS);
  for (let from = 0, batch = 0; from < orders.length; from += BATCH_ORDERS, batch++) {
    const last = await deliver({
      connections: () => connections,
      mode: modes[batch % modes.length] ?? "",
      orders: orders.slice(from, from + BATCH_ORDERS),
      pauseMs: () => RETRY_AFTER_MS,
      signal,
    });
    if (last?.outcome !== "acknowledged") throw new Error(`${url} answered ${last?.received.status}`);
  }
  await connections.close();
};

export const sceneSystem = (system: System, catalogueFile: string, env: Settings): SceneSystem => {
  const signal = (name: NodeJS.Signals): void => {
    for (const worker of system.workers) {
      const pid = worker.pid();
      if (pid !== undefined) process.kill(pid, name);
    }
  };
  const startLargeApi = async (): Promise<string> => {
    const file = join(system.folder, "large-catalogue.json");
    const { drinks } = readCatalogue(catalogueFile);
    const stores = Array.from(
      { length: MANY_STORES },
      (_, index) => `store ${String(index + 1).padStart(5, "0")}`,
    );
    writeFileSync(file, JSON.stringify({ drinks, stores }));
    const PORT = String(await freePort());
    const settings = { ...env, ...switchesOf(system.modes), PORT, CATALOGUE_FILE: file };
    system.start("large-api", "services/order-api/main.ts", settings);
    const url = `http://127.0.0.1:${PORT}`;
    await waitUntil(`${url} is ready`, async () => (await fetch(`${url}/readyz`)).ok, API_STARTS_WITHIN_MS);
    await sellHistory(url, system.modes, readCatalogue(file), Date.now(), 0);
    return url;
  };
  return {
    url: system.url,
    startLargeApi,
    stopWorkers: () => signal("SIGSTOP"),
    resumeWorkers: () => signal("SIGCONT"),
  };
};
