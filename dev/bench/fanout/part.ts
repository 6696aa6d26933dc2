/**
 * What one API process hands out to 5 000 clients of coffee-rt.v1 when the board changes 10 times a second, beside
 * bare `ws` that sends the same bytes. Boards are made up here. Of the clients 5 % are slow: they stop reading as soon
 * as they are connected. On one machine the kernel keeps 4 MB for each of them, so it is filled with huge boards
 * before the others come (1 GB in all); from then on they are full, and both servers have to leave them out.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../system/wait.ts";
import { type Figure, ratios } from "../figure.ts";
import { type Bench, type Ground, onGround, type Part } from "../ground.ts";
import type { Heard, ToClients } from "./clients.ts";
import { type Forked, startForked } from "./forked.ts";
import { checkLimits } from "./limits.ts";
import { type FanoutServer, openApi, recordDelta, startBare } from "./servers.ts";

const CLIENTS = 5_000;
const SLOW = CLIENTS * 0.05;
const GOOD = CLIENTS - SLOW;

const PERIOD_MS = 100;
const WARM_UP_BOARDS = 10;
const BOARDS = 40;
/** Its figures stand in every board: of as many digits to the end, so that frames stay as long as the recorded one. */
const FIRST_VERSION = 2_500;
/** Nine fill a socket. */
const MOST_HUGE_BOARDS = 40;
/** After the last was published. */
const ALL_COME_WITHIN_MS = 30_000;
const CLOSED_WITHIN_MS = 60_000;
/** Later than this, and boards were not published at the rate that the figure speaks of. */
const MOST_PUBLISHED_MS = BOARDS * PERIOD_MS * 1.1;
/** The rest may have taken one more: the kernel does not say when it is full. */
const LEAST_SLOW_LEFT_OUT = 0.95;
/** A turn may be void once: a machine does other things too. */
const MOST_TRIES = 2;

type Turn = Heard & {
  /** Of the server, for each frame that was heard. */
  readonly cpuMicroseconds: number;
  /** Frames for busy sockets. */
  readonly leftOut: number;
};
type Stage = {
  readonly clients: Forked<ToClients>;
  readonly nextVersion: () => number;
};

const measureOn = async (ground: Ground, { rounds, random, tell }: Bench): Promise<Figure[]> => {
  let version = FIRST_VERSION;
  const nextVersion = (): number => ++version;
  const api = await openApi(ground, CLIENTS);
  const deltas = {
    huge: await recordDelta(api, "huge", nextVersion),
    usual: await recordDelta(api, "usual", nextVersion),
  };
  const servers = [api, await startBare(ground, deltas)];
  const stage = { clients: startForked<ToClients>("clients.ts", ground.closers), nextVersion };
  const turns: Record<FanoutServer["name"], Turn[]> = { API: [], "bare ws": [] };
  for (let round = 1; round <= rounds; round++)
    for (const server of random.shuffled(servers)) {
      const turn = await turnOf(stage, server, tell);
      turns[server.name].push(turn);
      tell(`fan-out, round ${round} of ${rounds}, ${server.name}: ${wordsOf(turn)}`);
    }
  return figuresFrom(turns);
};

/** One server's turn in a round, once more when it was void. */
const turnOf = async (stage: Stage, server: FanoutServer, tell: Bench["tell"]): Promise<Turn> => {
  for (let tries = 1; ; tries++) {
    const outcome = await connectedTo(server, stage, () => measured(server, stage));
    if (typeof outcome !== "string") return outcome;
    const why = `fan-out by ${server.name}: the turn is void, ${outcome}`;
    if (tries === MOST_TRIES) throw new Error(why);
    tell(why);
  }
};

/** All clients connected and the slow ones full; they have gone again before the next turn begins. */
const connectedTo = async <T>(
  server: FanoutServer,
  { clients, nextVersion }: Stage,
  work: () => Promise<T>,
): Promise<T> => {
  const { url, figures, publish } = server;
  await clients.ask({ connect: SLOW, url, areSlow: true });
  await fillSlow(server, nextVersion);
  // those who come now are not sent a huge one
  await publish(nextVersion(), "usual");
  await sleep(2 * PERIOD_MS);
  await clients.ask({ connect: GOOD, url, areSlow: false });
  const result = await work();
  await clients.ask("close");
  await waitUntil(
    `${server.name} sees its clients go`,
    async () => (await figures()).sockets === 0,
    CLOSED_WITHIN_MS,
  );
  return result;
};

/** Until a board reaches none of them. */
const fillSlow = async (server: FanoutServer, nextVersion: () => number): Promise<void> => {
  for (let boards = 0; boards < MOST_HUGE_BOARDS; boards++) {
    const { leftOut } = await server.figures();
    await server.publish(nextVersion(), "huge");
    await sleep(PERIOD_MS * 1.5);
    if ((await server.figures()).leftOut - leftOut >= SLOW) return;
  }
  throw new Error(`${server.name}: ${MOST_HUGE_BOARDS} huge boards did not fill the slow clients`);
};

/** Or why it is void. */
const measured = async (server: FanoutServer, { clients, nextVersion }: Stage): Promise<Turn | string> => {
  const untilCome = (version: number): Promise<void> =>
    waitUntil(
      `${server.name} has sent everything`,
      () => clients.ask<boolean>({ hasCome: version }),
      ALL_COME_WITHIN_MS,
    );
  await clients.ask("begin");
  await untilCome((await publishBoards(server, WARM_UP_BOARDS, nextVersion)).last);
  await clients.ask("begin");
  const before = await server.figures();
  const { last, publishedMs } = await publishBoards(server, BOARDS, nextVersion);
  await untilCome(last);
  const after = await server.figures();
  const heard = await clients.ask<Heard>({ heardOf: last, publishedMs });
  if (publishedMs > MOST_PUBLISHED_MS)
    return `${BOARDS} boards were published in ${Math.round(publishedMs)} ms`;
  if (after.sockets !== CLIENTS) return `${after.sockets} of ${CLIENTS} clients were there at its end`;
  if (heard.behind > 0) return `${heard.behind} clients did not hear of the last board`;
  const leftOut = after.leftOut - before.leftOut;
  if (leftOut < LEAST_SLOW_LEFT_OUT * SLOW * (heard.frames / GOOD))
    return `slow clients were left out only ${leftOut} times`;
  if (server.name === "API" && heard.gaps > 0)
    throw new Error(`the API left clients with ${heard.gaps} gaps`);
  const cpuMicroseconds = ((after.cpuSeconds - before.cpuSeconds) * 1e6) / heard.frames;
  return { ...heard, cpuMicroseconds, leftOut };
};

/** Publishes them 10 times a second, whether or not the server keeps up. */
const publishBoards = async (
  server: FanoutServer,
  boards: number,
  nextVersion: () => number,
): Promise<{ last: number; publishedMs: number }> => {
  const startedMs = performance.now();
  let last = 0;
  for (let board = 0; board < boards; board++) {
    await sleep(Math.max(0, startedMs + board * PERIOD_MS - performance.now()));
    last = nextVersion();
    await server.publish(last, "usual");
  }
  return { last, publishedMs: performance.now() - startedMs + PERIOD_MS };
};

const wordsOf = (turn: Turn): string => {
  const perFrame = (seconds: number): string => `${((seconds * 1e6) / turn.frames).toFixed(1)} us`;
  const kilobytes = (turn.bytes / turn.frames / 1_000).toFixed(1);
  return [
    `${Math.round(turn.framesPerSecond)} frames/s of ${kilobytes} kB heard`,
    `${turn.cpuMicroseconds.toFixed(1)} us of CPU each (clients ${perFrame(turn.cpuSeconds)})`,
    `delay p99 ${turn.delayP99Ms} ms`,
    `${turn.leftOut} left out`,
  ].join(", ");
};

const figuresFrom = (turns: Record<FanoutServer["name"], readonly Turn[]>): Figure[] => {
  const by = (value: (turn: Turn) => number): number[] =>
    ratios(turns.API.map(value), turns["bare ws"].map(value));
  const delays = (name: FanoutServer["name"]): Figure => ({
    name: `fan-out, delay p99 from publishing, ${name}`,
    values: turns[name].map(({ delayP99Ms }) => delayP99Ms),
    target: null,
    unit: "ms",
  });
  return [
    {
      name: `WebSocket fan-out to ${CLIENTS} clients, 5 % slow / bare ws`,
      values: by(({ framesPerSecond }) => framesPerSecond),
      target: { atLeast: 0.9 },
    },
    {
      name: "fan-out, CPU per frame / bare ws",
      values: by(({ cpuMicroseconds }) => cpuMicroseconds),
      target: null,
    },
    delays("API"),
    delays("bare ws"),
  ];
};

export const fanout: Part = {
  name: "fanout",
  measure: async (bench) => {
    checkLimits({ clients: CLIENTS, slow: SLOW, tell: bench.tell });
    return onGround({ postgres: {}, board: {} }, bench, (ground) => measureOn(ground, bench));
  },
};
