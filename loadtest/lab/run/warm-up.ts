/** What a fresh broker needs before anything is measured on it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sameOrders } from "../generators/catalogue.ts";
import { type Load, send } from "../generators/generator.ts";
import { type Accepted, drive } from "../generators/wrk.ts";
import type { SystemUnderTest } from "./test-bed.ts";

const CLOSED_LOOP = { connections: 16, seconds: 15, mayRefuse: true };
/** Of what the closed loop reached: as busy as most runs are. */
const OPEN_LOOP_SHARE = 0.3;
const OPEN_LOOP_SECONDS = 75;
const ORDERS_PER_REQUEST = 10;

/**
 * A JVM that shares one core compiles for two minutes what it needs. A closed loop alone does not warm it up: there no
 * fetch ever waits, and the first run at half of capacity then took twice its CPU (0.24 cores, 0.11 in the third), with a
 * p99 of replies of 120 ms instead of 40 ms.
 */
export const warmUpBroker = async (system: SystemUnderTest, signal?: AbortSignal): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-warm-up-"));
  try {
    await system.start();
    await closedLoop(system, 1);
    const { perSecond } = await closedLoop(system, ORDERS_PER_REQUEST);
    signal?.throwIfAborted();
    const sending = send(openLoop(system, perSecond * OPEN_LOOP_SHARE), folder, null);
    signal?.addEventListener("abort", sending.kill, { once: true });
    await sending.ended.finally(() => signal?.removeEventListener("abort", sending.kill));
  } finally {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

const closedLoop = (system: SystemUnderTest, size: number): Promise<Accepted> =>
  drive(
    {
      url: `${system.url}/api/v3/${size === 1 ? "order" : "orders"}`,
      body: sameOrders(system.catalogue, size),
      ...CLOSED_LOOP,
    },
    () => undefined,
  );

const openLoop = ({ url, catalogue }: SystemUnderTest, requestsPerSecond: number): Load => ({
  ...{ generator: "node", profile: "constant", isPatient: false, url, route: "v3", catalogue },
  requestsPerSecond: Math.max(1, Math.round(requestsPerSecond)),
  ordersPerRequest: ORDERS_PER_REQUEST,
  warmUpSeconds: 0,
  seconds: OPEN_LOOP_SECONDS,
  probesPerSecond: 0,
  ...{ seed: 1, run: 0, runStartMs: Date.now() },
});
