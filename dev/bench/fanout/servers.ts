/** The two servers that fan out the same frames: the order API, to which boards are published, and bare `ws`. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { openBoardWriter } from "#shared/board/board.ts";
import { iso } from "#shared/domain/time.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import { metricOf } from "../../system/programs.ts";
import { waitUntil } from "../../system/wait.ts";
import type { Ground } from "../ground.ts";
import type { BareFigures, ToBare } from "./bare-ws.ts";
import { startForked } from "./forked.ts";
import { madeUpBoard } from "./made-up-board.ts";

/** Beside the usual boards there are huge ones, of a catalogue of 10 000 stores that are all pinned: 480 KB a frame. */
export type Size = "usual" | "huge";

export type FanoutServer = {
  readonly name: "API" | "bare ws";
  /** Of its WebSocket. */
  readonly url: string;
  /** A board of now; frames of it are on their way, or will be. */
  publish(version: number, size: Size): Promise<void>;
  figures(): Promise<BareFigures>;
};

const STORES = { usual: 50, huge: 10_000 };
const HEARD_WITHIN_MS = 10_000;

export const openApi = async (ground: Ground, sockets: number): Promise<FanoutServer> => {
  const boardUrl = ground.servers.board?.url ?? "";
  const writer = openBoardWriter(boardUrl, () => undefined);
  ground.closers.add("the board's writer", () => writer.close());
  const { url } = await ground.startApi({ V1_ENABLED: "true", MAX_SOCKETS: String(sockets) });
  const metric = (series: string): Promise<number> => metricOf(url, series);
  return {
    name: "API",
    url: `${url.replace("http", "ws")}/ws/dashboard`,
    publish: async (version, size) => {
      const published = await writer.publish(madeUpBoard(version, Date.now(), STORES[size]));
      if (published !== "published") throw new Error(`a board was refused: ${published}`);
    },
    figures: async () => {
      const series = ["coffee_ws_connections", "coffee_ws_conflated_total", "process_cpu_seconds_total"];
      const [open = 0, leftOut = 0, cpuSeconds = 0] = await Promise.all(series.map(metric));
      return { sockets: open, leftOut, cpuSeconds };
    },
  };
};

/** `deltas`: real ones, of which it sends all but the position. */
export const startBare = async (
  ground: Ground,
  deltas: Readonly<Record<Size, string>>,
): Promise<FanoutServer> => {
  const bare = startForked<ToBare>("bare-ws.ts", ground.closers);
  const data = { usual: dataOf(deltas.usual), huge: dataOf(deltas.huge) };
  return {
    name: "bare ws",
    url: `ws://127.0.0.1:${await bare.ask<number>("port")}/`,
    publish: async (version, size) => {
      const position = { type: "delta", seq: version, epoch: 1, version, as_of: iso(Date.now()) };
      const head = JSON.stringify({ ...position, previous: version - 1 }).slice(0, -1);
      bare.tell({ send: `${head}${data[size]}` });
    },
    figures: () => bare.ask<BareFigures>("figures"),
  };
};

const dataOf = (delta: string): string => delta.slice(delta.indexOf(',"data":'));

/** The API's own delta from one board of this size to the next. */
export const recordDelta = async (
  api: FanoutServer,
  size: Size,
  nextVersion: () => number,
): Promise<string> => {
  const socket = new WebSocket(api.url, LIVE_PROTOCOL);
  let delta = "";
  socket.on("message", (data) => {
    const text = String(data);
    if (text.startsWith('{"type":"delta"')) delta = text;
  });
  const publish = async (): Promise<void> => {
    const version = nextVersion();
    await api.publish(version, size);
    const isHeard = async (): Promise<boolean> => delta.includes(`"version":${version},`);
    await waitUntil(`a delta of a ${size} board`, isHeard, HEARD_WITHIN_MS);
  };
  try {
    await once(socket, "open");
    // the first one leads there from a board of the other size
    await publish();
    await publish();
    return delta;
  } finally {
    socket.terminate();
  }
};
