/**
 * node dev/bench/fanout.ts [--clients 1000] [--seconds 5]: what one API process hands out to clients of coffee-rt.v1
 * when the board changes 10 times a second. The boards are made up here and published in a real Redis; the delay is
 * from their as_of, just before, to a client's ear. Clients, API and Redis share the machine.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type BoardWriter, openBoardWriter } from "#shared/board/board.ts";
import { type Board, RECENT_ORDERS, type View } from "#shared/domain/board.ts";
import { HOUR_MS, hourStart, MINUTE_MS } from "#shared/domain/time.ts";
import { messageOf, openClosers } from "#shared/runtime/lifecycle.ts";
import { runProgram } from "../programs.ts";
import { freePort } from "../servers/ports.ts";
import { startServers } from "../servers/seam.ts";
import type { Heard } from "./fanout-clients.ts";

const PUBLISH_EVERY_MS = 100;
const ORDERS_PER_BOARD = 5;
/** Until the last board's frames have been heard. */
const SETTLE_MS = 500;

const { values } = parseArgs({
  options: { clients: { type: "string", default: "1000" }, seconds: { type: "string", default: "5" } },
});
const closers = openClosers();

const list = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));

/** As full as a board is: 15 drinks, 50 stores, 60 minutes. */
const boardOf = (version: number, nowMs: number): Board => {
  const sold = (name: string) => ({ name, orders: version, cents: version * 450 });
  const thisMinute = nowMs - (nowMs % MINUTE_MS);
  const view: View = {
    orders: version,
    ratePerSecond: 50,
    freshnessMs: 5,
    hour: { orders: version, cents: version * 450 },
    hourDrinks: list(15, (index) => sold(`drink ${index}`)),
    hourStores: list(50, (index) => sold(`store ${index}`)),
    topDrinks: list(5, (index) => `drink ${index}`),
    minutes: list(60, (index) => [thisMinute - HOUR_MS + (index + 1) * MINUTE_MS, version, version * 450]),
    recent: list(RECENT_ORDERS, (index) => ({
      id: `01a1fbfe-483e-715c-85c7-${String(version * ORDERS_PER_BOARD - index).padStart(12, "0")}`,
      drink: "latte",
      store: "uptown",
      cents: 450,
      eventTimeMs: nowMs,
      acceptedAtMs: nowMs,
    })),
  };
  const asOfUs = nowMs * 1_000;
  return {
    epoch: 1,
    version,
    asOfUs,
    storesAsOfUs: asOfUs,
    hourStartMs: hourStart(nowMs),
    views: { all: view },
  };
};

const startApi = async (boardUrl: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "coffee-rt-fanout-"));
  closers.add("logs", () => rmSync(folder, { recursive: true }));
  const port = await freePort();
  const nobody = `127.0.0.1:${await freePort()}`;
  const api = runProgram({
    name: "order-api",
    file: "services/order-api/main.ts",
    env: {
      DATABASE_URL: `postgres://${nobody}/none`,
      STREAM_REDIS_URL: `redis://${nobody}`,
      BOARD_REDIS_URL: boardUrl,
      V2_ENABLED: "true",
      PORT: String(port),
      LOG_LEVEL: "error",
    },
    logFile: join(folder, "order-api.log"),
    onLine: (line) => console.log(line),
  });
  closers.add("order-api", () => api.stop());
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/livez`).catch(() => null))?.ok) await sleep(100);
  return url;
};

const figure = async (url: string, series: string): Promise<number> => {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${series} `))?.split(" ")[1] ?? 0);
};
const SERIES = {
  made: 'coffee_ws_made_total{kind="delta"}',
  sent: 'coffee_ws_sent_total{kind="delta"}',
  conflated: "coffee_ws_conflated_total",
  cpuSeconds: "process_cpu_seconds_total",
};
const figures = async (url: string): Promise<Record<keyof typeof SERIES, number>> => {
  const entries = Object.entries(SERIES).map(async ([name, series]) => [name, await figure(url, series)]);
  return Object.fromEntries(await Promise.all(entries));
};

/** Resolves with how many boards it published. */
const publishFor = async (writer: BoardWriter, from: number, seconds: number): Promise<number> => {
  const startedMs = performance.now();
  let version = from;
  for (; performance.now() - startedMs < seconds * 1_000; version++) {
    await sleep(Math.max(0, startedMs + (version - from) * PUBLISH_EVERY_MS - performance.now()));
    await writer.publish(boardOf(version, Date.now()));
  }
  return version - from;
};

const report = ({ deltas, bytes, gaps, delaysMs }: Heard, published: number): void => {
  const sorted = [...delaysMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  console.log(`heard      ${deltas} deltas of ${Math.round(bytes / deltas)} bytes, ${gaps} gaps`);
  console.log(`rate       ${Math.round(deltas / ((published * PUBLISH_EVERY_MS) / 1_000))} frames/s`);
  console.log(`delay      p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`);
};

try {
  const [clients, seconds] = [Number(values.clients), Number(values.seconds)];
  const servers = await startServers({ board: {} });
  closers.add("board", () => servers.board?.stop());
  const url = await startApi(servers.board?.url ?? "");
  const writer = openBoardWriter(servers.board?.url ?? "", (error) => console.error(error.message));
  closers.add("writer", () => writer.close());
  const child = fork(join(import.meta.dirname, "fanout-clients.ts"), { serialization: "advanced" });
  closers.add("clients", () => child.disconnect());
  child.send({ url: `${url.replace("http", "ws")}/ws/dashboard`, clients });
  await once(child, "message");
  const warmUp = await publishFor(writer, 1, 1);
  await sleep(SETTLE_MS);
  child.send("begin");
  const before = await figures(url);
  const published = await publishFor(writer, warmUp + 1, seconds);
  await sleep(SETTLE_MS);
  const after = await figures(url);
  child.send("end");
  const [heard] = (await once(child, "message")) as [Heard];
  const [made, sent] = [after.made - before.made, after.sent - before.sent];
  console.log(`clients    ${clients}, for ${seconds} s`);
  console.log(`published  ${published} boards`);
  console.log(
    `made       ${made} deltas, sent ${sent}; left out for busy sockets ${after.conflated - before.conflated}`,
  );
  report(heard, published);
  console.log(
    `API        ${(((after.cpuSeconds - before.cpuSeconds) / sent) * 1e6).toFixed(1)} us of CPU per frame sent`,
  );
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
} finally {
  for (const failure of await closers.closeAll()) console.error(failure.message);
}
