/** Two servers that send the same frames to all clients: the order API, to which boards are published, and bare `ws`. */
import { once } from "node:events";
import { join } from "node:path";
import { WebSocket } from "ws";
import { openBoardWriter } from "#shared/board/board.ts";
import { type Board, RECENT_ORDERS, TOP_STORES, type View } from "#shared/domain/board.ts";
import { HOUR_MS, hourStart, iso, MINUTE_MS } from "#shared/domain/time.ts";
import type { Closers } from "#shared/runtime/lifecycle.ts";
import { LIVE_PROTOCOL } from "#shared/wire/dashboard.ts";
import { metricOf } from "../../../../dev/system/programs.ts";
import { waitUntil } from "../../../../dev/system/wait.ts";
import { startChild } from "../../run/child-process.ts";
import type { SystemUnderTest } from "../../run/test-bed.ts";
import type { FanOutFigures, ToBare } from "./bare-ws.ts";

/** A huge board has 10 000 pinned stores: a frame of 480 kB. */
export type Size = "usual" | "huge";

export type FanOutServer = {
  /** Of its WebSocket. */
  readonly url: string;
  /** Sends a board as of now to all clients. */
  publish(version: number, size: Size): Promise<void>;
  figures(): Promise<FanOutFigures>;
};

const STORES = { usual: TOP_STORES, huge: 10_000 };
const RECEIVED_WITHIN_MS = 120_000;
const CONNECTED_WITHIN_MS = 30_000;

/** The API of the system, with its mode's worker stopped: only these boards are published. */
export const apiServer = async (system: SystemUnderTest, closers: Closers): Promise<FanOutServer> => {
  const writer = openBoardWriter(system.servers.board?.url ?? "", () => undefined);
  closers.add("the board's writer", () => writer.close());
  const first = boardOf(1, Date.now(), STORES.usual);
  await waitUntil(
    "the board is published",
    async () => Boolean(await writer.publish(first)),
    CONNECTED_WITHIN_MS,
  );
  return {
    url: `${system.url.replace("http", "ws")}/ws/dashboard`,
    publish: async (version, size) => {
      const published = await writer.publish(boardOf(version, Date.now(), STORES[size]));
      if (published !== "published") throw new Error(`a board was rejected: ${published}`);
    },
    figures: async () => {
      const series = ["coffee_ws_connections", "coffee_ws_conflated_total", "process_cpu_seconds_total"];
      const [sockets = 0, skipped = 0, cpuSeconds = 0] = await Promise.all(
        series.map((each) => metricOf(system.url, each)),
      );
      return { sockets, skipped, cpuSeconds };
    },
  };
};

/** It sends the API's own deltas, with the position of each board. */
export const bareServer = async (
  deltas: Readonly<Record<Size, string>>,
  closers: Closers,
): Promise<FanOutServer> => {
  const bare = startChild<ToBare>(join(import.meta.dirname, "bare-ws.ts"), closers);
  const data = { usual: dataOf(deltas.usual), huge: dataOf(deltas.huge) };
  return {
    url: `ws://127.0.0.1:${await bare.request<number>("port")}/`,
    publish: async (version, size) => {
      const position = { type: "delta", seq: version, epoch: 1, version, as_of: iso(Date.now()) };
      const head = JSON.stringify({ ...position, previous: version - 1 }).slice(0, -1);
      bare.send({ send: `${head}${data[size]}` });
    },
    figures: () => bare.request<FanOutFigures>("figures"),
  };
};

const dataOf = (delta: string): string => delta.slice(delta.indexOf(',"data":'));

/** The API's delta from one board of this size to the next. */
export const recordDelta = async (
  api: FanOutServer,
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
    const isReceived = (): boolean => delta.includes(`"version":${version},`);
    await waitUntil(`a delta of a ${size} board`, isReceived, RECEIVED_WITHIN_MS);
  };
  try {
    await once(socket, "open");
    // the first delta is from a board of the other size
    await publish();
    await publish();
    return delta;
  } finally {
    socket.terminate();
  }
};

const DRINKS = 15;
const MINUTES = 60;
const ORDERS_PER_BOARD = 5;
/** A whole number of euros: its sums are written without decimals. */
const LATTE_CENTS = 400;

const list = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));

/** As full as a board gets; more stores than the top ones, as where many are pinned, make its frames larger. */
const boardOf = (version: number, nowMs: number, stores: number): Board => {
  const sales = { orders: version, cents: version * LATTE_CENTS };
  const thisMinute = nowMs - (nowMs % MINUTE_MS);
  const view: View = {
    orders: version,
    ratePerSecond: 50,
    freshnessMs: 5,
    hour: sales,
    hourDrinks: list(DRINKS, (index) => ({ name: `drink ${index}`, ...sales })),
    hourStores: list(stores, (index) => ({ name: `store ${index}`, ...sales })),
    topDrinks: list(5, (index) => `drink ${index}`),
    minutes: list(MINUTES, (index) => [
      thisMinute - HOUR_MS + (index + 1) * MINUTE_MS,
      sales.orders,
      sales.cents,
    ]),
    recent: list(RECENT_ORDERS, (index) => ({
      id: `01a1fbfe-483e-715c-85c7-${String(version * ORDERS_PER_BOARD + RECENT_ORDERS - index).padStart(12, "0")}`,
      drink: "latte",
      store: "uptown",
      cents: LATTE_CENTS,
      eventTimeMs: nowMs,
      acceptedAtMs: nowMs,
    })),
  };
  const asOfUs = nowMs * 1_000;
  return {
    ...{ epoch: 1, version, asOfUs, storesAsOfUs: asOfUs },
    hourStartMs: hourStart(nowMs),
    views: { all: view },
  };
};
