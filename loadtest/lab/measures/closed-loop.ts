/**
 * The most that an arrangement accepts, by wrk or over WebSockets: a closed loop that takes a fraction of the CPU of a generator of planned times. It
 * confirms peaks, and gives a search its first rate. It is no capacity: a closed loop waits for the system, and hides its
 * queues.
 */
import { sameOrders } from "../generators/catalogue.ts";
import { driveSockets } from "../generators/socket-loop.ts";
import { type Accepted, drive } from "../generators/wrk.ts";
import { percentilesOf } from "../judge/statistics.ts";
import { foreignShareOf } from "../judge/usage.ts";
import { percentText } from "../report/numbers.ts";
import { peerOf } from "../run/arrangements.ts";
import type { Lab, Order } from "../run/run.ts";
import { numbered, type SystemUnderTest } from "../run/test-bed.ts";
import { auditPeer } from "./peer-audit.ts";
import { NOTHING_KEPT, type Rated, sampled, tallied } from "./rate-run.ts";

/** What sends: for so many seconds, to one API. */
type Sender = {
  readonly profile: string;
  /** Its process, as the sampler names it. */
  readonly process: string;
  /** How many orders have no known outcome at the end, at most. */
  readonly unknown: number;
  send(
    baseUrl: string,
    seconds: number,
    mayRefuse: boolean,
    onStart: (pid: number) => void,
  ): Promise<Accepted>;
};

type Measure = (lab: Lab, order: Order, system: SystemUnderTest) => Promise<Rated>;

/** Of large requests so few that none waits so long that it is refused. */
const connectionsFor = (size: number): number => (size === 1 ? 64 : size <= 10 ? 16 : 4);

export const closedLoop: Measure = (lab, order, system) => {
  const { load, setting } = order;
  const size = load.ordersPerRequest;
  const body = sameOrders(system.catalogue, size);
  const path = `/api/${setting.arrangement.route}/${size === 1 ? "order" : "orders"}`;
  const connections = Math.ceil(connectionsFor(size) / (setting.generators ?? 1));
  return looped(lab, order, system, {
    profile: "wrk, closed loop",
    process: "wrk",
    // both phases cut off a request of each connection at most
    unknown: 2 * connectionsFor(size) * size,
    send: (baseUrl, seconds, mayRefuse, onStart) =>
      drive({ url: baseUrl + path, body, connections, seconds, mayRefuse }, () => undefined, onStart),
  });
};

/** A client that sends continuously, over few connections. */
const SOCKETS = { connections: 4, inFlight: 64 };

/** Single orders over the WebSocket of orders. */
export const socketLoop: Measure = (lab, order, system) => {
  const body = sameOrders(system.catalogue, 1);
  const path = `/ws/orders/${order.setting.arrangement.route}`;
  return looped(lab, order, system, {
    profile: "WebSocket, closed loop",
    process: "socket-loop",
    // it ends when every order has its result; a backend that stalls, once in each phase, may leave those in flight unknown
    unknown: 2 * SOCKETS.connections * SOCKETS.inFlight,
    send: (baseUrl, seconds, mayRefuse, onStart) =>
      driveSockets(
        { ...SOCKETS, url: baseUrl.replace("http", "ws") + path, body, seconds, mayRefuse },
        onStart,
      ),
  });
};

/** With `workers: 0` nothing is counted during the load; one worker then counts everything for the audit. */
const looped = async (lab: Lab, order: Order, system: SystemUnderTest, sender: Sender): Promise<Rated> => {
  const { arrangement, workers } = order.setting;
  const { profile, unknown } = sender;
  const size = order.load.ordersPerRequest;
  await system.start();
  const { result, samples } = await driven(lab, order, system, sender);
  const { accepted, window, requests, problem } = result;
  const isCounted = arrangement.mode !== null;
  if (isCounted && workers === 0) await system.startWorker();
  const peer = peerOf(arrangement);
  const { audit, atMs } = isCounted
    ? await tallied(system.pool, requests * size, unknown)
    : { audit: peer ? await auditPeer(peer, system, requests, unknown) : NOTHING_KEPT, atMs: window.endMs };
  return {
    ...(peer && { durability: peer.durability }),
    ...{ profile, purpose: "peak", ordersPerRequest: size, window, samples, audit },
    rate: accepted.reduce((sum, { perSecond }) => sum + perSecond, 0),
    requests: { acknowledged: requests, refused: 0, unknown: 0 },
    ackMs: { ...(accepted[0]?.latencyMs ?? percentilesOf([])), count: requestsOf(accepted) },
    drainedSeconds: (atMs - window.endMs) / 1_000,
    problems: [
      ...(problem === null ? [] : [problem]),
      ...disturbance(system, foreignShareOf(samples, window)),
    ],
  };
};

/** An idle machine's own work is 0.02 to 0.04 of two cores; a build beside a run lowers its rate by a half. */
const MOST_FOREIGN_SHARE = 0.1;

/** Why the run does not count. A server that the lab did not start is foreign too, so nothing can be said beside one. */
const disturbance = ({ servers }: SystemUnderTest, foreignShare: number): string[] => {
  const isOurs = Object.values(servers).every((server) => !server.isGiven);
  if (!isOurs || foreignShare <= MOST_FOREIGN_SHARE) return [];
  return [
    `other processes took ${percentText(foreignShare)} of the machine > ${percentText(MOST_FOREIGN_SHARE)}`,
  ];
};

const requestsOf = (accepted: readonly Accepted[]): number =>
  accepted.reduce((sum, { requests }) => sum + requests, 0);

/** Several senders share the connections, and the APIs where there are several. */
const driven = (lab: Lab, { load, setting }: Order, system: SystemUnderTest, sender: Sender) => {
  const pids = new Map<string, number>();
  const onEach = async (seconds: number, mayRefuse: boolean): Promise<Accepted[]> => {
    const ends = await Promise.allSettled(
      Array.from({ length: setting.generators ?? 1 }, (_, index) =>
        sender.send(system.urls[index % system.urls.length] ?? "", seconds, mayRefuse, (pid) =>
          pids.set(numbered(sender.process, index), pid),
        ),
      ),
    );
    return ends.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
  };
  const work = async () => {
    const warmed = await onEach(load.warmUpSeconds, true);
    const startMs = Date.now();
    const outcome = await onEach(load.seconds, false).catch((error: Error) => error.message);
    const accepted = typeof outcome === "string" ? [] : outcome;
    return {
      accepted,
      problem: typeof outcome === "string" ? outcome : null,
      requests: requestsOf(warmed) + requestsOf(accepted),
      window: { startMs, endMs: Date.now() },
    };
  };
  return sampled(lab, system, work, () => pids);
};
