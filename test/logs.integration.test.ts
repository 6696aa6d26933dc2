/** What running programs log: one JSON object a line, nothing per order, and never a secret. */
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as newOrderId } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redisStreamsKnobs } from "#shared/modes/redis-streams/mode.ts";
import { loadSettings } from "#shared/runtime/config.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { withRedis } from "../dev/system/database.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { closeAll, freshServers, until, variablesOf } from "./fresh.ts";
import { type Api, openProcesses, type Program } from "./processes.ts";
import { countedAt, LATTE, postOrder, untilDecided } from "./requests.ts";

const SECRETS = {
  database: "s3cret-of-the-database",
  redis: "s3cret-of-redis",
  wrong: "s3cret-that-is-wrong",
};
const ORDERS = 300;

let streamUrl: string;
let programs: { readonly api: Api; readonly worker: Program; readonly lockedOut: Program };
const closers = openClosers();
afterAll(() => closeAll(closers));

const withPassword = (address: string, password: string): string => {
  const changed = new URL(address);
  changed.password = password;
  return changed.href;
};

/** Sets the password only now: the launcher checks without one whether Redis is ready. */
const protect = ({ url }: Server): Promise<unknown> =>
  withRedis(url, (client) => client.config("SET", "requirepass", SECRETS.redis));

beforeAll(async () => {
  const servers = await freshServers(closers);
  const { board, stream, databaseUrl } = servers;
  await Promise.all([protect(board), protect(stream)]);
  const redisUrls = (password: string) => ({
    BOARD_REDIS_URL: withPassword(board.url, password),
    STREAM_REDIS_URL: withPassword(stream.url, password),
  });
  streamUrl = redisUrls(SECRETS.redis).STREAM_REDIS_URL;
  const DATABASE_URL = withPassword(databaseUrl, SECRETS.database);
  const { startApi, startWorker } = openProcesses(
    { ...variablesOf(servers), ...redisUrls(SECRETS.redis), DATABASE_URL },
    closers,
  );
  const [worker, lockedOut] = [startWorker("v2"), startWorker("v2", redisUrls(SECRETS.wrong))];
  programs = { api: await startApi(["v2"]), worker, lockedOut };
  await until("orders are accepted", async () => (await post()).status === 202);
  await until("the worker counts", () => logged(worker, /counting in a slot/).length > 0);
});

const post = (body: object = LATTE, key?: string): Promise<Response> =>
  postOrder(programs.api.url, "v2", body, key ? { "idempotency-key": key } : {});

type Line = Record<string, unknown> & { readonly level: number; readonly msg: string };
const linesOf = (program: Program): Line[] =>
  program
    .output()
    .split("\n")
    // the last line may not be complete
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const logged = (program: Program, msg: RegExp): Line[] =>
  linesOf(program).filter((line) => msg.test(line.msg));

test("logs no line for an accepted and counted order", async () => {
  const lines = (): number => [programs.api, programs.worker].flatMap(linesOf).length;
  await until("the programs have logged their start", async () => {
    const before = lines();
    await sleep(500);
    return lines() === before;
  });
  const before = lines();
  for (let sent = 0; sent < ORDERS; sent += 50)
    await Promise.all(
      Array.from({ length: 50 }, async () => expect((await untilDecided(() => post())).status).toBe(202)),
    );
  await until("all are counted", async () => ((await countedAt(programs.api.url))["v2"] ?? 0) >= ORDERS);
  expect(lines() - before).toBeLessThan(10);
});

test("logs a key conflict and a dead letter with the mode and the id of the order", async () => {
  const key = newOrderId();
  expect((await post(LATTE, key)).status).toBe(202);
  expect((await post({ ...LATTE, price: 5 }, key)).status).toBe(202);
  await until("the conflict is logged", () => logged(programs.worker, /key of another/).length > 0);
  expect(logged(programs.worker, /key of another/)).toMatchObject([{ level: 40, mode: "v2", orderId: key }]);

  const env = { STREAM_REDIS_URL: "redis://s", DATABASE_URL: "postgres://p" };
  const { v2Stream } = loadSettings(redisStreamsKnobs, env);
  const poison = JSON.stringify([{ id: newOrderId(), store: "uptown", drink: "latte", price_cents: -1 }]);
  await withRedis(streamUrl, (client) =>
    client.xadd(v2Stream, "*", "orders", poison, "n", "1", "total", String(ORDERS * 10)),
  );
  await until("the dead letter is logged", () => logged(programs.worker, /dead letter/).length > 0);
  const [letter] = logged(programs.worker, /dead letter/);
  expect(letter).toMatchObject({ level: 50, mode: "v2", orderId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(letter?.["reason"]).not.toBe("");
});

test("logs no password, neither a right one nor one that is rejected", async () => {
  await until("the rejection is logged", () => logged(programs.lockedOut, /Redis unreachable/).length > 0);
  for (const program of Object.values(programs)) {
    // every line is JSON
    expect(linesOf(program).length).toBeGreaterThan(0);
    for (const secret of Object.values(SECRETS)) expect(program.output()).not.toContain(secret);
  }
});
