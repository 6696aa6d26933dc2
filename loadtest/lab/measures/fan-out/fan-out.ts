/**
 * Frames that one process sends to 5 000 clients of coffee-rt.v1 when the board changes 10 times a second: the order API,
 * and bare `ws` with the same bytes as its ceiling. 5 % of the clients are slow: they stop reading as soon as they are
 * connected. On one machine the kernel buffers 4 MB for each of them, so huge boards fill their sockets first (1 GB in
 * total); from then on both servers have to skip them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Closers, openClosers } from "#shared/runtime/lifecycle.ts";
import { waitUntil } from "../../../../dev/system/wait.ts";
import { rounded } from "../../judge/usage.ts";
import type { Received } from "../../listeners/clients.ts";
import { checkLimits, memoryPressure, startClients } from "../../listeners/listeners.ts";
import type { Lab, Order } from "../../run/run.ts";
import type { SystemUnderTest } from "../../run/test-bed.ts";
import { NOTHING_KEPT, type Rated, sampled } from "../rate-run.ts";
import { apiServer, bareServer, type FanOutServer, recordDelta } from "./servers.ts";

const PERIOD_MS = 100;
const WARM_UP_BOARDS = 10;
/** A board's figures have as many digits until the end, so that frames stay as long as the recorded one. */
const FIRST_VERSION = 2_500;
/** Nine fill a socket. */
const MOST_HUGE_BOARDS = 40;
const COMPLETE_WITHIN_MS = 120_000;
/** Above it, boards were not published at the planned rate. */
const MOST_PUBLISHED_RATIO = 1.1;
/** The others may have taken one more frame: the kernel does not report when it is full. */
const LEAST_SLOW_SKIPPED = 0.95;

type Fanned = {
  readonly server: FanOutServer;
  readonly clients: ReturnType<typeof startClients>;
  readonly total: number;
  readonly slow: number;
  readonly nextVersion: () => number;
};

/** Of bare `ws` with `isBare`, of the order API without. */
export const fanOut =
  (isBare: boolean) =>
  async (lab: Lab, { sockets, load }: Order, system: SystemUnderTest): Promise<Rated> => {
    if (sockets === null) throw new Error("a fan-out needs clients");
    const { clients: total, slowShare } = sockets;
    const slow = Math.round(total * slowShare);
    checkLimits(total);
    const closers = openClosers();
    try {
      await system.start();
      let version = FIRST_VERSION;
      const nextVersion = (): number => ++version;
      const api = await apiServer(system, closers);
      const server = isBare ? await bareFrom(api, nextVersion, closers) : api;
      const fanned = { server, clients: startClients(closers), total, slow, nextVersion };
      await connectAll(fanned);
      const { result, samples } = await sampled(lab, system, () => measured(fanned, load.seconds, isBare));
      return { ...result, ...{ profile: isBare ? "bare ws" : "the API", purpose: "fan-out", samples } };
    } finally {
      await closers.closeAll();
    }
  };

const bareFrom = async (
  api: FanOutServer,
  nextVersion: () => number,
  closers: Closers,
): Promise<FanOutServer> => {
  const huge = await recordDelta(api, "huge", nextVersion);
  const usual = await recordDelta(api, "usual", nextVersion);
  return bareServer({ huge, usual }, closers);
};

/** Resolves with every client connected, and the sockets of the slow ones full. */
const connectAll = async (fanned: Fanned): Promise<void> => {
  const { server, clients, total, slow, nextVersion } = fanned;
  const { url } = server;
  await clients.request({ connect: slow, url, areSlow: true });
  if (slow > 0) await fillSlow(fanned);
  // a client that connects now does not receive a huge one
  await server.publish(nextVersion(), "usual");
  await sleep(2 * PERIOD_MS);
  await clients.request({ connect: total - slow, url, areSlow: false });
};

/** Until the server skips all of them. */
const fillSlow = async ({ server, slow, nextVersion }: Fanned): Promise<void> => {
  for (let boards = 0; boards < MOST_HUGE_BOARDS; boards++) {
    const { skipped } = await server.figures();
    await server.publish(nextVersion(), "huge");
    await sleep(PERIOD_MS * 1.5);
    if ((await server.figures()).skipped - skipped >= slow) return;
  }
  throw new Error(
    `${MOST_HUGE_BOARDS} huge boards did not fill the slow clients; ${memoryPressure(slow) ?? ""}`,
  );
};

const measured = async (
  fanned: Fanned,
  seconds: number,
  isBare: boolean,
): Promise<Omit<Rated, "profile" | "purpose" | "samples">> => {
  const { server, clients, total, slow } = fanned;
  const untilComplete = (version: number): Promise<void> =>
    waitUntil(
      "every client has the last board",
      () => clients.request<boolean>({ isComplete: version }),
      COMPLETE_WITHIN_MS,
    );
  await clients.request("reset figures");
  await untilComplete((await publishBoards(fanned, WARM_UP_BOARDS)).last);
  await clients.request("reset figures");
  const before = await server.figures();
  const startMs = Date.now();
  const boards = Math.round((seconds * 1_000) / PERIOD_MS);
  const { last, publishedMs } = await publishBoards(fanned, boards);
  await untilComplete(last);
  const after = await server.figures();
  const received = await clients.request<Received>({ figuresUpTo: last, publishedMs });
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const skipped = after.skipped - before.skipped;
  const leastSkipped = LEAST_SLOW_SKIPPED * slow * (received.frames / (total - slow));
  return {
    rate: received.framesPerSecond,
    window: { startMs, endMs: Date.now() },
    varied: {
      clients: total,
      slow,
      skipped,
      cpuMicrosecondsPerFrame: rounded((cpuSeconds * 1e6) / received.frames, 1),
      bytesPerFrame: Math.round(received.bytes / received.frames),
      delayP99Ms: Math.round(received.delayP99Ms),
    },
    audit: {
      ...NOTHING_KEPT,
      // bare ws skips readers that are busy for a moment, which leaves gaps; the API must close each with a snapshot
      problems:
        received.gaps > 0 && !isBare ? [`${received.gaps} frames did not follow the frame before`] : [],
    },
    problems: [
      ...(publishedMs > boards * PERIOD_MS * MOST_PUBLISHED_RATIO
        ? [`${boards} boards were published in ${Math.round(publishedMs)} ms`]
        : []),
      ...(after.sockets === total ? [] : [`${after.sockets} of ${total} clients were connected at its end`]),
      ...(received.behind === 0 ? [] : [`${received.behind} clients did not receive the last board`]),
      ...(skipped >= leastSkipped ? [] : [`slow clients were skipped only ${skipped} times`]),
    ],
  };
};

/** 10 times a second, whether or not the server keeps up. */
const publishBoards = async (
  { server, nextVersion }: Fanned,
  boards: number,
): Promise<{ readonly last: number; readonly publishedMs: number }> => {
  const startedMs = performance.now();
  let last = 0;
  for (let board = 0; board < boards; board++) {
    await sleep(Math.max(0, startedMs + board * PERIOD_MS - performance.now()));
    last = nextVersion();
    await server.publish(last, "usual");
  }
  return { last, publishedMs: performance.now() - startedMs + PERIOD_MS };
};
