/** What a run sends: arrivals at their planned times, probes, and dashboards that are held open. */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Connections, openConnections } from "../../dev/system/client/connections.ts";
import { paced } from "../../dev/system/client/pacing.ts";
import { outcomesOf } from "../../shared/client/outcome.ts";
import { openSettle, requestLine } from "../k6/lib/ledger.ts";
import { authorizationOf, filterOf, LIVE_PROTOCOL, type OpenLive } from "../k6/lib/live.ts";
import { type Orders, openOrderRequests } from "../k6/lib/orders.ts";
import { mostUnderWay, type Plan, type Planned } from "../k6/lib/plan.ts";
import { type ProbeWorld, sendProbes } from "../k6/lib/probes.ts";
import { plannedOffsets } from "../k6/lib/schedule.ts";
import type { Settings } from "../k6/lib/settings.ts";
import { holdDashboards } from "../k6/lib/watchers.ts";
import type { NodeFigures } from "./figures.ts";

export type Sender = {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly orders: Orders;
  /** What a probe orders. */
  readonly drink: string;
  readonly figures: NodeFigures;
  readonly log: (line: string) => void;
  /** Sends nothing new, and waits for the replies alone. */
  readonly signal: AbortSignal;
};

/** Resolves when every reply has come or its time is over. */
export const sendScenarios = async (sender: Sender): Promise<void> => {
  const { settings, plan, signal } = sender;
  const connections = openConnections(
    settings.baseUrl,
    settings.replyWithinSeconds * 1_000,
    settings.apiToken,
  );
  const startMs = performance.now();
  const world = worldOf(sender, connections, startMs);
  const start = async (planned: Planned): Promise<void> => {
    await waited(planned.startMs - (performance.now() - startMs), signal);
    if (planned.sends === "orders") return sendOrders(sender, connections, planned);
    if (planned.sends === "dashboards") return readDashboards(sender, connections, planned);
    const nowMs = performance.now() - startMs;
    if (planned.sends === "probes")
      return Promise.race([sendProbes(world, planned, nowMs), waited(Number.POSITIVE_INFINITY, signal)]);
    holdDashboards(world, plan.watchers, nowMs, planned.durationMs);
    await waited(planned.durationMs, signal);
  };
  await Promise.all(plan.scenarios.map(start));
  await connections.close();
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** After so long, or when the signal aborts. */
const waited = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.min(LONGEST_TIMER_MS, Math.max(0, ms)), undefined, { signal }).catch(() => undefined);

const UNDER_WAY_POLL_MS = 10;

/** Calls `send` for each arrival of the scenario; `onReply` ends its request. Resolves when all have ended. */
const arrive = async (
  { settings, figures, signal }: Sender,
  { name, schedule, durationMs }: Planned,
  startMs: number,
  send: (iteration: number, offsetMs: number, roomSinceMs: number, onReply: () => void) => void,
): Promise<void> => {
  if (schedule === null) throw new Error(`${name} has no arrivals`);
  const most = mostUnderWay(schedule, settings);
  const iterations = figures.iterationsOf(name);
  let underWay = 0;
  const ended = (): void => {
    underWay--;
  };
  const sent = await paced(
    {
      ...{ offsetOf: plannedOffsets(schedule), durationMs, signal },
      mayGo: () => underWay < most,
      send: (iteration, offsetMs, roomSinceMs) => {
        underWay++;
        send(iteration, offsetMs, roomSinceMs, ended);
      },
    },
    startMs,
  );
  while (underWay > 0) await sleep(UNDER_WAY_POLL_MS);
  iterations.add(sent);
};

const sendOrders = async (sender: Sender, connections: Connections, planned: Planned): Promise<void> => {
  const { settings, orders, figures, log } = sender;
  const { ordersPerRequest, hasSamples } = settings;
  const { warmUpMs, name, number } = planned;
  const requestOf = openOrderRequests(settings, orders);
  const settle = openSettle(figures, log);
  const lags = figures.lagOf(name);
  const startMs = performance.now();
  const startedAtMs = Date.now();
  let isFirst = true;

  await arrive(sender, planned, startMs, (iteration, offsetMs, roomSinceMs, onReply) => {
    const isWarmUp = offsetMs < warmUpMs;
    const { path, body, key } = requestOf(planned, iteration, Date.now());
    const dueMs = startMs + Math.max(offsetMs, roomSinceMs);
    connections.post(path, body, key, (reply) => {
      onReply();
      // while there is no room the server is late, not the generator
      const lagMs = Math.max(0, reply.sentMs - dueMs);
      const latencyMs = Math.max(0, reply.endMs - startMs - offsetMs);
      const outcomes = outcomesOf(reply, ordersPerRequest);
      if (!isWarmUp) {
        figures.scheduleLag.add(lagMs);
        lags.add(lagMs);
        figures.orderLatency.add(latencyMs);
        if (hasSamples) {
          const outcome = outcomes.failure?.outcome ?? "acknowledged";
          const start = isFirst ? startedAtMs : null;
          isFirst = false;
          log(requestLine({ scenario: number, iteration, lagMs, latencyMs, outcome, startedAtMs: start }));
        }
      }
      settle(planned, iteration, ordersPerRequest, outcomes, isWarmUp);
    });
  });
};

const readDashboards = async (sender: Sender, connections: Connections, planned: Planned): Promise<void> => {
  const { settings, figures } = sender;
  const path = `/api/dashboard${filterOf(settings.mode)}`;
  const startMs = performance.now();
  await arrive(sender, planned, startMs, (_iteration, offsetMs, _roomSinceMs, onReply) => {
    connections.get(path, ({ endMs }) => {
      onReply();
      if (offsetMs >= planned.warmUpMs) figures.dashboardLatency.add(Math.max(0, endMs - startMs - offsetMs));
    });
  });
};

const worldOf = (
  { settings, drink, figures, log }: Sender,
  connections: Connections,
  startMs: number,
): ProbeWorld & { readonly figures: NodeFigures } => ({
  ...{ settings, drink, figures, log, open: openLive(settings.apiToken) },
  settle: openSettle(figures, log),
  nowMs: () => performance.now() - startMs,
  after: (ms, act) => void setTimeout(act, ms),
  post: (path, body, key) => new Promise((resolve) => connections.post(path, body, key, resolve)),
});

const openLive =
  (token: string | null): OpenLive =>
  (url, { onText, onOpen, onEnd }) => {
    const headers = authorizationOf(token);
    const socket = new WebSocket(url, LIVE_PROTOCOL, { perMessageDeflate: false, headers });
    socket.on("open", onOpen);
    socket.on("message", (data) => onText(String(data)));
    socket.on("close", onEnd);
    // followed by its close
    socket.on("error", () => undefined);
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: () => socket.terminate(),
    };
  };
