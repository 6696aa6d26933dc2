/** Everything that a run sends: arrivals at their times, and the probe. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Connections, openConnections } from "../../dev/system/client/connections.ts";
import { paced } from "../../dev/system/client/pacing.ts";
import { outcomesOf } from "../../shared/client/outcome.ts";
import { openOrderRequests } from "../lib/order-requests.ts";
import type { Orders } from "../lib/orders.ts";
import { type ProbeWorld, sendProbes } from "../lib/probing.ts";
import { requestLine } from "../lib/sample-lines.ts";
import { type Plan, type Planned, vusFor } from "../lib/scenarios.ts";
import { plannedOffsets } from "../lib/schedule.ts";
import type { Settings } from "../lib/settings.ts";
import { openSettle } from "../lib/settle.ts";
import type { LeanFigures } from "./figures.ts";
import { openLive } from "./live.ts";

export type Sender = {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly orders: Orders;
  /** What the probe orders. */
  readonly drink: string;
  readonly figures: LeanFigures;
  readonly log: (line: string) => void;
};

/** Resolves when every reply has come or is given up. */
export const sendScenarios = async (sender: Sender): Promise<void> => {
  const { settings, plan } = sender;
  const connections = openConnections(settings.baseUrl, settings.replyWithinSeconds * 1_000);
  const startMs = performance.now();
  const begin = async (planned: Planned): Promise<void> => {
    await sleep(Math.max(0, planned.startMs - (performance.now() - startMs)));
    if (planned.sends === "probes")
      return sendProbes(probeWorld(sender, connections, startMs), planned, performance.now() - startMs);
    await sendArrivals(sender, connections, planned);
  };
  await Promise.all(plan.scenarios.map(begin));
  await connections.close();
};

const UNDER_WAY_LOOK_MS = 10;

const sendArrivals = async (sender: Sender, connections: Connections, planned: Planned): Promise<void> => {
  const { settings, orders, figures, log } = sender;
  const { schedule, warmUpMs, durationMs, name, number } = planned;
  if (schedule === null) throw new Error(`${name} has no arrivals`);
  const { ordersPerRequest, hasSamples, mostVus } = settings;
  const requestOf = openOrderRequests(settings, orders);
  const settle = openSettle(figures, log);
  const mostUnderWay = vusFor(schedule, mostVus);
  const startMs = performance.now();
  const startedAtMs = Date.now();
  let underWay = 0;
  let isFirst = true;

  const send = (iteration: number, offsetMs: number, roomSinceMs: number): void => {
    const isWarmUp = offsetMs < warmUpMs;
    const { path, body, key } = requestOf(planned, iteration, Date.now());
    const dueMs = startMs + Math.max(offsetMs, roomSinceMs);
    underWay++;
    connections.post(path, body, key, (reply) => {
      underWay--;
      // while there is no room it is the server that is late
      const lagMs = Math.max(0, reply.sentMs - dueMs);
      const latencyMs = Math.max(0, performance.now() - startMs - offsetMs);
      const account = outcomesOf(reply, ordersPerRequest);
      if (!isWarmUp) {
        figures.scheduleLag.add(lagMs);
        figures.orderLatency.add(latencyMs);
        if (hasSamples) {
          const outcome = account.failure?.outcome ?? "acknowledged";
          const start = isFirst ? startedAtMs : null;
          isFirst = false;
          log(requestLine({ scenario: number, iteration, lagMs, latencyMs, outcome, startedAtMs: start }));
        }
      }
      settle(planned, iteration, ordersPerRequest, account, isWarmUp);
    });
  };
  const sent = await paced(
    { offsetOf: plannedOffsets(schedule), durationMs, mayGo: () => underWay < mostUnderWay, send },
    startMs,
  );
  while (underWay > 0) await sleep(UNDER_WAY_LOOK_MS);
  figures.counter(`iterations{scenario:${name}}`).add(sent);
};

const probeWorld = (
  { settings, drink, figures, log }: Sender,
  connections: Connections,
  startMs: number,
): ProbeWorld => ({
  ...{ settings, drink, figures, log, open: openLive },
  settle: openSettle(figures, log),
  nowMs: () => performance.now() - startMs,
  after: (ms, act) => void setTimeout(act, ms),
  post: (path, body, key) => new Promise((resolve) => connections.post(path, body, key, resolve)),
});
