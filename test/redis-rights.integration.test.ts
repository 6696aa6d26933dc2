/** The Redis users of docs/deployment.md: their rights are enough, and a program reports the one that is missing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import { startRedis } from "../dev/system/servers/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { countedAt, listeningAt, order } from "./api-process.ts";
import { freshDatabase, freshName, type Program, startProgram, until } from "./fresh.ts";

const API = "services/order-api/main.ts";
const WORKER = "services/worker/main.ts";
const PASSWORD = "letters4ndDigits";
const STREAM = "coffee:orders";
/** What the page calls optional. */
const OPTIONAL = ["info", "client|setname"];

const page = readFileSync(join(import.meta.dirname, "../docs/deployment.md"), "utf8");
type Variable = "BOARD_REDIS_URL" | "STREAM_REDIS_URL";
/** By user: its line, and the variable whose server it is for. */
const users = new Map(
  [...page.matchAll(/^ACL SETUSER (\S+) .*$/gm)].map(([line, user = ""]) => {
    const row = new RegExp(`^\\| \`${user}\` \\|.*\`(\\w+_REDIS_URL)\` \\|$`, "m").exec(page);
    return [user, { line, variable: row?.[1] as Variable }];
  }),
);

let servers: Record<Variable, Server>;
let admins: Record<Variable, RedisClient>;
let databaseUrl: string;

beforeAll(async () => {
  const [board, stream, database] = await Promise.all([
    startRedis({ name: "redis-board", role: "board" }),
    startRedis({ name: "redis-stream", role: "stream" }),
    freshDatabase(),
  ]);
  servers = { BOARD_REDIS_URL: board, STREAM_REDIS_URL: stream };
  databaseUrl = database;
  admins = { BOARD_REDIS_URL: await adminOf(board), STREAM_REDIS_URL: await adminOf(stream) };
  for (const [user, { line, variable }] of users)
    await setUser(variable, line.replace(/^ACL SETUSER /, ""), user);
}, 60_000);
afterAll(async () => {
  await Promise.all(Object.values(admins ?? {}).map(closeRedis));
  await Promise.all(Object.values(servers ?? {}).map((server) => server.stop()));
});

/** The only user besides those of the page: the default one is off from now on. */
const adminOf = async (server: Server): Promise<RedisClient> => {
  const first = openRedis(server.url, { ...redisOptions("test"), enableOfflineQueue: true }, () => undefined);
  await first.acl("SETUSER", "admin", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  const client = openRedis(
    withUser(server, "admin"),
    { ...redisOptions("test"), enableOfflineQueue: true },
    () => undefined,
  );
  await client.acl("SETUSER", "default", "off");
  await closeRedis(first);
  return client;
};

const withUser = (server: Server, user: string): string => {
  const url = new URL(server.url);
  url.username = user;
  url.password = PASSWORD;
  return url.href;
};

const setUser = async (variable: Variable, rights: string, user: string): Promise<void> => {
  const [, ...rules] = rights.replace("PASSWORD", PASSWORD).split(" ");
  await admins[variable].acl("SETUSER", user, ...rules);
};

/** A user of its own with the rights of this one, changed. */
const changedUser = async (of: string, change: string, stream = STREAM): Promise<string> => {
  const { line = "", variable } = users.get(of) ?? { variable: "BOARD_REDIS_URL" };
  const name = freshName("user");
  const rights = `${line.replace(/^ACL SETUSER /, "").replaceAll(STREAM, stream)} ${change}`;
  await setUser(variable as Variable, rights, name);
  return name;
};

const programs: Program[] = [];
afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.kill("SIGKILL")));
});

const start = (file: string, board: string, stream: string, more: Record<string, string>): Program => {
  const program = startProgram(file, {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: withUser(servers.BOARD_REDIS_URL, board),
    STREAM_REDIS_URL: withUser(servers.STREAM_REDIS_URL, stream),
    PORT: "0",
    METRICS_PORT: "0",
    POLL_EVERY_MS: "100",
    ...more,
  });
  programs.push(program);
  return program;
};
const startApi = (more: Record<string, string> = {}, board = "coffee-api"): Program =>
  start(API, board, "coffee-api-v2", { V1_ENABLED: "true", V2_ENABLED: "true", ...more });
const startWorker = (MODE: string, board: string, stream = "coffee-worker-v2"): Program =>
  start(WORKER, board, stream, { MODE });

/** Sends an order of each mode, and waits until the dashboard shows them. */
const expectCounted = async (url: string, modes: readonly string[]): Promise<void> => {
  const before = await countedAt(url);
  for (const mode of modes)
    await until(`${mode} accepts an order`, async () => (await order(url, mode)).ok, 30_000);
  for (const mode of modes)
    await until(
      `${mode}'s order is on the dashboard`,
      async () => ((await countedAt(url))[mode] ?? 0) > (before[mode] ?? 0),
      30_000,
    );
};

const refusals = async (variable: Variable): Promise<string[]> => {
  const entries = (await admins[variable].acl("LOG", "100")) as string[][];
  return entries.map((entry) => entry[entry.indexOf("object") + 1] ?? "");
};

test("with the users of the page orders of v1 and v2 are accepted, counted and shown, and no right is missing", async () => {
  expect([...users.values()].map(({ variable }) => variable).sort()).toEqual([
    ...Array<Variable>(3).fill("BOARD_REDIS_URL"),
    ...Array<Variable>(2).fill("STREAM_REDIS_URL"),
  ]);
  const url = await listeningAt(startApi());
  startWorker("v1", "coffee-worker-v1");
  startWorker("v2", "coffee-worker");
  await expectCounted(url, ["v1", "v2"]);
  // a flushed Redis: the schedule, the group and the board are made again
  await Promise.all(Object.values(admins).map((admin) => admin.flushall()));
  await expectCounted(url, ["v1", "v2"]);
  for (const variable of ["BOARD_REDIS_URL", "STREAM_REDIS_URL"] as const)
    expect((await refusals(variable)).filter((what) => !OPTIONAL.includes(what))).toEqual([]);
  for (const program of programs) expect(await program.kill("SIGTERM"), program.output()).toBe(0);
}, 120_000);

describe("a program whose Redis user lacks a right exits with a sentence that names it", () => {
  const sentence = (variable: Variable, what: string): RegExp =>
    new RegExp(
      `"level":60,.*${variable}: the Redis user may not ${what}: .*docs/deployment\\.md, \\\\"Redis rights\\\\"`,
    );
  const expectRefusal = async (program: Program, variable: Variable, what: string): Promise<void> => {
    await until("the program ends", () => program.process.exitCode !== null, 30_000);
    expect(program.output()).toMatch(sentence(variable, what));
    expect(await program.ended).toBe(1);
  };

  test.each([
    ["v1", "coffee-worker-v1", "-bzpopmin", "take v1's ticks \\(BullMQ\\)"],
    ["v1", "coffee-worker-v1", "-evalsha", ".*"],
    ["v1", "coffee-worker-v1", "-zadd", "(write v1's schedule|take v1's ticks) \\(BullMQ\\)"],
    ["v1", "coffee-worker-v1", "resetkeys ~coffee:*", "(write v1's schedule|take v1's ticks) \\(BullMQ\\)"],
    ["v2", "coffee-worker", "resetchannels", "publish the board"],
    ["v2", "coffee-worker", "-set", "take the turn to publish"],
    ["v2", "coffee-worker", "-hmget", "read the board"],
  ])(
    "worker of %s, board: %s %s",
    async (mode, user, change, what) => {
      await expectRefusal(startWorker(mode, await changedUser(user, change)), "BOARD_REDIS_URL", what);
    },
    60_000,
  );

  test.each([
    ["-xreadgroup", "read the stream"],
    ["-xautoclaim", "claim entries of the stream"],
    ["-xgroup", "create the stream's group"],
    ["-xack", "acknowledge entries of the stream"],
    ["-xtrim", "trim the stream"],
    ["-evalsha", "trim the stream"],
    ["resetkeys ~other", "(acknowledge entries of|trim) the stream"],
  ])("worker of v2, stream: %s", async (change, what) => {
    const stream = freshName("orders");
    const user = await changedUser("coffee-worker-v2", change, stream);
    const worker = start(WORKER, "coffee-worker", user, { MODE: "v2", V2_STREAM: stream });
    await expectRefusal(worker, "STREAM_REDIS_URL", what);
  });

  test.each([
    ["-hget", "read the board"],
    ["-subscribe", "subscribe to the board's changes"],
    ["resetchannels", "subscribe to the board's changes"],
  ])("order API: %s", async (change, what) => {
    const api = startApi({}, await changedUser("coffee-api", change));
    await expectRefusal(api, "BOARD_REDIS_URL", what);
  });

  test("to select a database, which is not replaced by database 0", async () => {
    const url = `${withUser(servers.BOARD_REDIS_URL, await changedUser("coffee-worker", ""))}/1`;
    const worker = start(WORKER, "", "coffee-worker-v2", { MODE: "v2", BOARD_REDIS_URL: url });
    await expectRefusal(worker, "BOARD_REDIS_URL", "select the database");
  });
});

/** CPU that it used so far; the scheduler counts in hundredths of a second. */
const cpuMs = (program: Program): number => {
  const stat = readFileSync(`/proc/${program.process.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(stat[11]) + Number(stat[12])) * 10;
};

/** Every 5 s, beginning with this field. */
const untilScheduleIsWritten = async (): Promise<void> => {
  const [key, field] = ["bull:coffee-v1-tick:meta", "concurrency"];
  await admins.BOARD_REDIS_URL.hdel(key, field);
  const isWritten = async () => (await admins.BOARD_REDIS_URL.hget(key, field)) !== null;
  await until("the schedule is written", isWritten);
};

test.each([
  ["v1", "BOARD_REDIS_URL", "coffee-worker-v1", ["-eval", "-evalsha"], ["+eval", "+evalsha"]],
  ["v2", "STREAM_REDIS_URL", "coffee-worker-v2", ["-xreadgroup"], ["+xreadgroup"]],
] as const)(
  "a right of %s that is taken away later is an outage",
  async (mode, variable, of, taken, given) => {
    const user = await changedUser(of, "");
    const url = await listeningAt(startApi());
    const worker = mode === "v1" ? startWorker("v1", user) : startWorker("v2", "coffee-worker", user);
    await expectCounted(url, [mode]);
    // its right is known when it has been written twice
    if (mode === "v1") for (let write = 0; write < 2; write++) await untilScheduleIsWritten();
    await admins[variable].acl("SETUSER", user, ...taken);
    await until("the refusal is logged", () => /run the '(evalsha|xreadgroup)'/.test(worker.output()));
    const before = cpuMs(worker);
    await sleep(5_000);
    expect(cpuMs(worker) - before).toBeLessThan(1_000);
    expect(worker.process.exitCode, worker.output()).toBeNull();
    await admins[variable].acl("SETUSER", user, ...given);
    await expectCounted(url, [mode]);
    expect(await worker.kill("SIGTERM"), worker.output()).toBe(0);
  },
  120_000,
);
