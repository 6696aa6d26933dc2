/** Fresh ground for a test file: a database, a Redis, names of its own, orders, programs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { v7 as newOrderId } from "uuid";
import { inject } from "vitest";
import { catalogueFrom } from "#shared/domain/catalogue.ts";
import { type Order, orderFrom } from "#shared/domain/order.ts";
import { randomFrom } from "#shared/domain/random.ts";
import type { Log } from "#shared/ports.ts";
import { openPool, type Pool } from "#shared/store/pool.ts";
import catalogueJson from "../services/order-api/catalogue.json" with { type: "json" };
import { TEMPLATE } from "./setup.ts";

let names = 0;
/** A name that no other test of this run uses. */
export const freshName = (what: string): string =>
  `${what}_${process.pid}_${Date.now().toString(36)}_${names++}`;

/** A migrated database on the shared PostgreSQL, or on the one given; it goes when the server does. */
export const freshDatabase = async (
  serverUrl = inject("postgresUrl"),
  template = TEMPLATE,
): Promise<string> => {
  const name = freshName("test");
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await admin.end();
  }
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
};

export const poolOn = (databaseUrl: string, maxConnections = 4): Pool =>
  openPool(
    {
      databaseUrl,
      program: "coffee-test",
      maxConnections,
      statementTimeoutMs: 20_000,
      connectTimeoutMs: 5_000,
    },
    () => undefined,
  );

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const catalogue = catalogueFrom(catalogueJson);
export const rules = { catalogue, maxEventAgeDays: 366 };

/** Valid orders, the same for the same seed but for their ids and times of acceptance. */
export const someOrders = (count: number, seed = 1, eventTime?: (index: number) => string): Order[] => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, index) => {
    const request = {
      drink: random.pick(catalogue.drinks),
      store: random.pick(catalogue.stores),
      price: (200 + Math.floor(random.next() * 500)) / 100,
      ...(eventTime && { timestamp: eventTime(index) }),
    };
    const checked = orderFrom(request, newOrderId(), Date.now(), rules);
    if ("errors" in checked) throw new Error(JSON.stringify(checked.errors));
    return checked.order;
  });
};

/** Waits until `condition` holds; fails with `what` after `withinMs`. */
export const until = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = 20_000,
): Promise<void> => {
  for (const deadline = Date.now() + withinMs; ; await sleep(20)) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
};

/** The reply that is not for the moment's load: a busy machine may have to refuse, and whoever is refused comes again. */
export const atLast = async (send: () => Promise<Response>): Promise<Response> => {
  for (;;) {
    const response = await send();
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await sleep(1_000 * Number(response.headers.get("retry-after")));
  }
};

export type Program = {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves with its exit code, when it has ended by itself or by a signal. */
  readonly ended: Promise<number | null>;
  /** Also one that has ended; resolves with its exit code. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
};

/** One of the product's programs as a process of its own. */
export const startProgram = (
  file: string,
  settings: Record<string, string>,
  args: readonly string[] = [],
): Program => {
  const root = join(import.meta.dirname, "..");
  const { PATH } = process.env;
  const env = { PATH, COFFEE_RT_END_WITH_STDIN: "1", ...settings };
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const ended = once(child, "exit");
  return {
    process: child,
    output: () => output,
    ended: ended.then(() => child.exitCode),
    kill: async (signal) => {
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
};
