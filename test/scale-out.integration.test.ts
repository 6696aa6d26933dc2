/**
 * Several APIs and several workers of a mode on the same servers, as `--scale` and replicas run them, while some of them
 * exit: nothing is lost or counted twice, v1 has one tick at a time, and every dashboard shows the same board.
 */
import { Redis } from "ioredis";
import { v7 as newKey } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { Dashboard } from "#shared/domain/dashboard.ts";
import { modes } from "#shared/modes/all.ts";
import { totalsProblems } from "../dev/system/audit.ts";
import { totalsOf } from "../dev/system/database.ts";
import { poolForTest, until } from "./fresh.ts";
import { type Api, processesForTest } from "./processes.ts";
import { dashboardOf, LATTE, postOrder } from "./requests.ts";

const APIS = 3;
/** More than v3's topic has partitions: a worker without one has nothing to do, and does no harm. */
const WORKERS = 4;
const ORDERS = 600;
const CLIENTS = 6;
const SETTINGS = {
  V1_TICK_MS: "100",
  V2_CLAIM_IDLE_MS: "1000",
  V3_PARTITIONS: "2",
  V3_SESSION_TIMEOUT_MS: "6000",
};

/** Whether it was acknowledged; an API that exits may not answer. */
const send = async (url: string, mode: string, key: string): Promise<boolean> => {
  const response = await postOrder(url, mode, LATTE, { "idempotency-key": key });
  await response.arrayBuffer();
  return response.ok;
};

/** Sends every order until it is acknowledged, each attempt to another API; every tenth order to two APIs at once. */
const sendAll = async (
  apis: readonly Api[],
  mode: string,
  onAcknowledged: (count: number) => void,
): Promise<void> => {
  let next = 0;
  let acknowledged = 0;
  const client = async (): Promise<void> => {
    for (let order = next++; order < ORDERS; order = next++) {
      const key = newKey();
      const attempt = (at: number): Promise<boolean> =>
        send(apis[at % apis.length]?.url ?? "", mode, key).catch(() => false);
      if (order % 10 === 0) await Promise.all([attempt(order), attempt(order + 1)]);
      let attempts = order;
      await until("an order is acknowledged", () => attempt(attempts++));
      onAcknowledged(++acknowledged);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
};

/** Returns the last board that a dashboard client was sent. */
const watch = (url: string): (() => Dashboard | null) => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`);
  let last: Dashboard | null = null;
  socket.on("message", (data) => {
    last = JSON.parse(String(data)) as Dashboard;
  });
  // its API may exit
  socket.on("error", () => undefined);
  onTestFinished(() => socket.terminate());
  return () => last;
};

/** Returns the maximum of v1's ticks that ran at the same time. */
const watchTicks = (boardUrl: string): (() => number) => {
  const client = new Redis(boardUrl);
  let most = 0;
  let open = true;
  const poll = async (): Promise<void> => {
    while (open) most = Math.max(most, await client.llen("bull:coffee-v1-tick:active"));
  };
  const polling = poll();
  onTestFinished(async () => {
    open = false;
    await polling;
    await client.quit();
  });
  return () => most;
};

test.each(modes)(
  `${APIS} APIs and ${WORKERS} workers of $name count each order once and show the same board`,
  async ({ name: mode }) => {
    const { databaseUrl, board, startApi, startWorker } = await processesForTest();
    const apis = await Promise.all(Array.from({ length: APIS }, () => startApi([mode], SETTINGS)));
    const workers = Array.from({ length: WORKERS }, () =>
      startWorker(mode, { ...SETTINGS, LOG_LEVEL: "warn" }),
    );
    const mostTicks = watchTicks(board.url);
    const [exitingApi, ...remaining] = apis;
    const boards = remaining.map(({ url }) => watch(url));
    const exits: Promise<number | null | undefined>[] = [];
    await sendAll(apis, mode, (count) => {
      if (count === ORDERS / 3) exits.push(workers[0]?.kill("SIGKILL") ?? Promise.resolve(undefined));
      if (count === ORDERS / 2) exits.push(exitingApi?.kill("SIGTERM") ?? Promise.resolve(undefined));
    });
    expect(await Promise.all(exits)).toEqual([null, 0]);
    const ordersOn = (shown: Dashboard | null): number => shown?.modes[mode]?.orders ?? 0;
    await until("every dashboard shows all", () => boards.every((shown) => ordersOn(shown()) >= ORDERS));
    const totals = await totalsOf(poolForTest(databaseUrl), mode);
    // orders that were sent twice are redeliveries in v2 and v3
    const sent = { orders: ORDERS, cents: ORDERS * 450 };
    expect(totalsProblems(null, { ...totals, duplicates: 0 }, sent)).toEqual([]);
    const seen = boards.map((shown) => {
      const { epoch, version, recent_orders, modes: of } = shown() ?? expect.fail("a board");
      return { epoch, version, recent: recent_orders.map(({ id }) => id), orders: of[mode]?.orders };
    });
    expect(seen).toEqual(remaining.map(() => ({ ...seen[0], orders: ORDERS })));
    const asked = await Promise.all(remaining.map(({ url }) => dashboardOf(url)));
    expect(asked.map(({ version }) => version)).toEqual(asked.map(() => seen[0]?.version));
    if (mode === "v1") expect(mostTicks()).toBe(1);
    for (const { process, output } of workers.slice(1)) expect(process.exitCode, output()).toBeNull();
  },
);
