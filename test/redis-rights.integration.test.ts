/** The Redis users of docs/deployment.md: their rights are enough, and a program that lacks one names it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { closeAll, freshName, freshServers, until, variablesOf } from "./fresh.ts";
import { API, openProcesses, type Processes, type Program, untilCounted } from "./processes.ts";
import { postOrder, readinessOf } from "./requests.ts";

const PASSWORD = "letters4ndDigits";
const STREAM = "coffee:orders";
/** The page calls these optional. */
const OPTIONAL = ["info", "client|setname"];

const page = readFileSync(join(import.meta.dirname, "../docs/deployment.md"), "utf8");
type Variable = "BOARD_REDIS_URL" | "STREAM_REDIS_URL";
/** The line of each user, and the variable of its server. */
const users = new Map(
  [...page.matchAll(/^ACL SETUSER (\S+) .*$/gm)].map(([line, user = ""]) => {
    const row = new RegExp(`^\\| \`${user}\` \\|.*\`(\\w+_REDIS_URL)\` \\|$`, "m").exec(page);
    return [user, { line, variable: row?.[1] as Variable }];
  }),
);

let servers: Record<Variable, Server>;
let admins: Record<Variable, RedisClient>;
let processes: Processes;
const closers = openClosers();
afterAll(() => closeAll(closers));

beforeAll(async () => {
  const started = await freshServers(closers);
  servers = { BOARD_REDIS_URL: started.board, STREAM_REDIS_URL: started.stream };
  admins = { BOARD_REDIS_URL: await adminOf(started.board), STREAM_REDIS_URL: await adminOf(started.stream) };
  for (const [user, { line, variable }] of users)
    await setUser(variable, line.replace(/^ACL SETUSER /, ""), user);
  processes = openProcesses({ ...variablesOf(started), POLL_EVERY_MS: "100" }, closers);
});

/** The only user besides those of the page: the default user is switched off. */
const adminOf = async (server: Server): Promise<RedisClient> => {
  const options = { ...redisOptions("test"), enableOfflineQueue: true };
  const first = openRedis(server.url, options, () => undefined);
  await first.acl("SETUSER", "admin", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  await closeRedis(first);
  const client = openRedis(urlOf(server, "admin"), options, () => undefined);
  await client.acl("SETUSER", "default", "off");
  closers.add("admin", () => closeRedis(client));
  return client;
};

const urlOf = (server: Server, user: string): string => {
  const url = new URL(server.url);
  url.username = user;
  url.password = PASSWORD;
  return url.href;
};
const boardUrl = (user: string): string => urlOf(servers.BOARD_REDIS_URL, user);
const streamUrl = (user: string): string => urlOf(servers.STREAM_REDIS_URL, user);

const setUser = async (variable: Variable, rights: string, user: string): Promise<void> => {
  const [, ...rules] = rights.replace("PASSWORD", PASSWORD).split(" ");
  await admins[variable].acl("SETUSER", user, ...rules);
};

/** A new user with the rights of this one and the change. */
const changedUser = async (of: string, change: string, stream = STREAM): Promise<string> => {
  const { line = "", variable } = users.get(of) ?? { variable: "BOARD_REDIS_URL" };
  const name = freshName("user");
  const rights = `${line.replace(/^ACL SETUSER /, "").replaceAll(STREAM, stream)} ${change}`;
  await setUser(variable as Variable, rights, name);
  return name;
};

const apiSettings = (boardUser = "coffee-api") => ({
  BOARD_REDIS_URL: boardUrl(boardUser),
  STREAM_REDIS_URL: streamUrl("coffee-api-v2"),
});
const startApi = () => processes.startApi(["v1", "v2"], apiSettings());
const startWorker = (mode: string, boardUser: string, streamUser = "coffee-worker-v2", more = {}): Program =>
  processes.startWorker(mode, {
    BOARD_REDIS_URL: boardUrl(boardUser),
    STREAM_REDIS_URL: streamUrl(streamUser),
    ...more,
  });

const refusals = async (variable: Variable): Promise<string[]> => {
  const entries = (await admins[variable].acl("LOG", "100")) as string[][];
  return entries.map((entry) => entry[entry.indexOf("object") + 1] ?? "");
};

test("the page's users have every right to accept, count and show orders of v1 and v2", async () => {
  expect([...users.values()].map(({ variable }) => variable).sort()).toEqual([
    ...Array<Variable>(3).fill("BOARD_REDIS_URL"),
    ...Array<Variable>(2).fill("STREAM_REDIS_URL"),
  ]);
  const api = await startApi();
  const programs = [api, startWorker("v1", "coffee-worker-v1"), startWorker("v2", "coffee-worker")];
  await untilCounted(api.url, ["v1", "v2"]);
  // the programs create the schedule, the group and the board again
  await Promise.all(Object.values(admins).map((admin) => admin.flushall()));
  await untilCounted(api.url, ["v1", "v2"]);
  for (const variable of ["BOARD_REDIS_URL", "STREAM_REDIS_URL"] as const)
    expect((await refusals(variable)).filter((what) => !OPTIONAL.includes(what))).toEqual([]);
  for (const program of programs) expect(await program.kill("SIGTERM"), program.output()).toBe(0);
});

describe("a program whose Redis user lacks a right exits and names it", () => {
  const sentence = (variable: Variable, what: string): RegExp =>
    new RegExp(
      `"level":60,.*${variable}: the Redis user may not ${what}: .*docs/deployment\\.md, \\\\"Redis rights\\\\"`,
    );
  const expectRefusal = async (program: Program, variable: Variable, what: string): Promise<void> => {
    expect(await program.ended).toBe(1);
    expect(program.output()).toMatch(sentence(variable, what));
  };

  const expectWorkerRefusal = async (mode: string, user: string, change: string, what: string) =>
    expectRefusal(startWorker(mode, await changedUser(user, change)), "BOARD_REDIS_URL", what);

  // one after the other, because workers of v1 share the queue of ticks
  test.each([
    ["v1", "coffee-worker-v1", "-bzpopmin", "take v1's ticks \\(BullMQ\\)"],
    ["v1", "coffee-worker-v1", "-evalsha", ".*"],
    ["v1", "coffee-worker-v1", "-zadd", "(write v1's schedule|take v1's ticks) \\(BullMQ\\)"],
    ["v1", "coffee-worker-v1", "resetkeys ~coffee:*", "(write v1's schedule|take v1's ticks) \\(BullMQ\\)"],
  ])("worker of %s, board: %s %s", expectWorkerRefusal);

  test.concurrent.each([
    ["v2", "coffee-worker", "resetchannels", "publish the board"],
    ["v2", "coffee-worker", "-set", "take the turn to publish"],
    ["v2", "coffee-worker", "-hmget", "read the board"],
  ])("worker of %s, board: %s %s", expectWorkerRefusal);

  test.concurrent.each([
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
    const worker = startWorker("v2", "coffee-worker", user, { V2_STREAM: stream });
    await expectRefusal(worker, "STREAM_REDIS_URL", what);
  });

  test.concurrent.each([
    ["-hget", "read the board"],
    ["-subscribe", "subscribe to the board's changes"],
    ["resetchannels", "subscribe to the board's changes"],
  ])("order API: %s", async (change, what) => {
    const settings = { ...apiSettings(await changedUser("coffee-api", change)), V1_ENABLED: "true" };
    await expectRefusal(processes.start(API, settings), "BOARD_REDIS_URL", what);
  });

  test("worker of v2, to select a database: database 0 is no replacement", async () => {
    const user = await changedUser("coffee-worker", "");
    const worker = startWorker("v2", user, "coffee-worker-v2", { BOARD_REDIS_URL: `${boardUrl(user)}/1` });
    await expectRefusal(worker, "BOARD_REDIS_URL", "select the database");
  });
});

test.concurrent.each([
  ["-xadd", /can't run this command|NOPERM/],
  ["-eval -evalsha", /evalsha/],
  ["resetkeys ~other", /NOPERM.* keys? /],
] as const)(
  "without %s on the stream v2 takes no order and says why, and v1 goes on",
  async (change, reason) => {
    const user = await changedUser("coffee-api-v2", change);
    const api = await processes.startApi(["v1"], {
      ...apiSettings(),
      STREAM_REDIS_URL: streamUrl(user),
      V2_ENABLED: "true",
    });
    await until("v1 takes orders", async () => (await readinessOf(api.url, "v1")).health === "ok");
    await until("v2 reports the refusal", async () => reason.test((await readinessOf(api.url, "v2")).reason));
    expect(await readinessOf(api.url, "v2")).toMatchObject({ code: 200, health: "unavailable" });
    const refused = await postOrder(api.url, "v2");
    expect([refused.status, await refused.json()]).toMatchObject([503, { type: "backend-away" }]);
    expect((await postOrder(api.url, "v1")).status).toBe(201);
  },
);

/** CPU time that it has used; the scheduler counts in hundredths of a second. */
const cpuMs = (program: Program): number => {
  const stat = readFileSync(`/proc/${program.process.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(stat[11]) + Number(stat[12])) * 10;
};

/** The worker writes it every 5 s, this field first. */
const untilScheduleIsWritten = async (): Promise<void> => {
  const [key, field] = ["bull:coffee-v1-tick:meta", "concurrency"];
  await admins.BOARD_REDIS_URL.hdel(key, field);
  const isWritten = async () => (await admins.BOARD_REDIS_URL.hget(key, field)) !== null;
  await until("the schedule is written", isWritten);
};

test.concurrent.each([
  ["v1", "BOARD_REDIS_URL", "coffee-worker-v1", ["-eval", "-evalsha"], ["+eval", "+evalsha"]],
  ["v2", "STREAM_REDIS_URL", "coffee-worker-v2", ["-xreadgroup"], ["+xreadgroup"]],
] as const)("%s treats a right that is revoked later as an outage", async (...row) => {
  const [mode, variable, of, revoked, granted] = row;
  const user = await changedUser(of, "");
  const { url } = await startApi();
  const worker = mode === "v1" ? startWorker("v1", user) : startWorker("v2", "coffee-worker", user);
  await untilCounted(url, [mode]);
  // v1's worker knows that it has the right once it has written the schedule twice
  if (mode === "v1") for (let write = 0; write < 2; write++) await untilScheduleIsWritten();
  await admins[variable].acl("SETUSER", user, ...revoked);
  await until("the refusal is logged", () => /run the '(evalsha|xreadgroup)'/.test(worker.output()));
  // a worker that retries without a pause uses all of a core
  const before = cpuMs(worker);
  await sleep(3_000);
  expect(cpuMs(worker) - before).toBeLessThan(1_000);
  expect(worker.process.exitCode, worker.output()).toBeNull();
  await admins[variable].acl("SETUSER", user, ...granted);
  await untilCounted(url, [mode]);
  expect(await worker.kill("SIGTERM"), worker.output()).toBe(0);
});
