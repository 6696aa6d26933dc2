/** Ground for the contract suite: servers that may be killed, and for each test a mode on data of its own. */
import { expect } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Intake, Mode, Receipt } from "#shared/ports.ts";
import { loadSettings, variablesFor } from "#shared/runtime/config.ts";
import type { Pool } from "#shared/store/pool.ts";
import { migrate } from "../db/migrate.ts";
import type { Server } from "../dev/system/servers/server.ts";
import { startServers } from "../dev/system/servers/start.ts";
import { freshDatabase, freshName, type Program, poolOn, silent, startProgram, until } from "./fresh.ts";
import { startWorkerHere, type WorkerHere } from "./worker-here.ts";

export type Backends = Readonly<Record<"postgres" | "board" | "stream" | "kafka", Server>>;

export const startBackends = async (): Promise<Backends> => {
  const servers = await startServers({ postgres: { durable: false }, board: {}, stream: {}, kafka: {} }, {});
  await migrate(servers.postgres?.url ?? "", () => undefined);
  return servers as Backends;
};

/** The server without which a mode cannot accept. */
export const backendOf = (mode: Mode, { postgres, stream, kafka }: Backends): Server => {
  const backends: Record<string, Server> = { v1: postgres, v2: stream, v3: kafka };
  const backend = backends[mode.name];
  if (!backend) throw new Error(`name the backend of ${mode.name} here`);
  return backend;
};

type Settings = Record<string, string | number | boolean>;

export type Ground = {
  readonly pool: Pool;
  readonly intake: Intake;
  openIntake(more: Settings): Promise<Intake>;
  /** A consumer group that starts from what remains, from now on. */
  useLaterGroup(): Promise<void>;
  openSource(): ReturnType<Mode["openSource"]>;
  /** A worker in this process: the real one, on the mode's real source. */
  startWorker(): WorkerHere;
  startWorkerProcess(): Program;
  acceptAll(orders: readonly Order[]): Promise<void>;
  counted(): Promise<number>;
  /** Waits until all are counted and nothing waits, and expects nothing else and nothing twice. */
  expectExactly(orders: readonly Order[]): Promise<void>;
  close(): Promise<void>;
};

const settingsOn = (mode: Mode, servers: Backends, databaseUrl: string): Settings => {
  const name = freshName("orders");
  return loadSettings(mode.knobs, {
    DATABASE_URL: databaseUrl,
    BOARD_REDIS_URL: servers.board.url,
    STREAM_REDIS_URL: servers.stream.url,
    KAFKA_BROKERS: servers.kafka.url,
    V1_TICK_MS: "100",
    V2_STREAM: name,
    V2_CLAIM_IDLE_MS: "1000",
    V3_TOPIC: name,
    V3_GROUP: name,
    V3_SESSION_TIMEOUT_MS: "6000",
  }) as Settings;
};

type Figures = { orders: string; cents: string; rows: string };
const FIGURES = `SELECT (SELECT coalesce(sum(orders), 0) FROM rollup_hour) AS orders,
  (SELECT coalesce(sum(revenue_cents), 0) FROM rollup_hour) AS cents, (SELECT count(*) FROM orders) AS rows`;

const figuresOf = async (pool: Pool): Promise<{ orders: number; cents: number; rows: number }> => {
  const { rows } = await pool.query<Figures>(FIGURES);
  return { orders: Number(rows[0]?.orders), cents: Number(rows[0]?.cents), rows: Number(rows[0]?.rows) };
};

export const openGround = async (mode: Mode, servers: Backends): Promise<Ground> => {
  const closers: (() => Promise<unknown>)[] = [];
  // this server's own "postgres" is the template, to which nobody is connected
  const databaseUrl = await freshDatabase(servers.postgres.url.replace(/postgres$/, "template1"), "postgres");
  let settings = settingsOn(mode, servers, databaseUrl);
  const pool = poolOn(databaseUrl);
  closers.push(() => pool.end());

  const openIntake = async (more: Settings): Promise<Intake> => {
    const intake = mode.openIntake({ ...settings, ...more }, silent);
    closers.push(() => intake.close());
    await until("the backend answers", async () => isFulfilled(intake.backlog(1_000_000)));
    return intake;
  };
  let intake = await openIntake({});

  const startWorker = () => {
    const { worker, stop } = startWorkerHere(mode, settings, servers.board.url, pool);
    closers.push(stop);
    return { worker, stop };
  };
  const startWorkerProcess = (): Program => {
    const own = { MODE: mode.name, METRICS_PORT: "0", LOG_LEVEL: "warn" };
    const urls = { DATABASE_URL: databaseUrl, BOARD_REDIS_URL: servers.board.url };
    const program = startProgram("services/worker/main.ts", { ...variablesFor(settings), ...urls, ...own });
    closers.push(() => program.kill("SIGKILL"));
    return program;
  };
  return {
    pool,
    get intake() {
      return intake;
    },
    openIntake,
    useLaterGroup: async () => {
      settings = { ...settings, v2Group: freshName("later"), v3Group: freshName("later") };
      intake = await openIntake({});
    },
    openSource: () => {
      const source = mode.openSource(settings, silent);
      closers.push(() => source.close());
      return source;
    },
    startWorker,
    startWorkerProcess,
    acceptAll: async (orders) => {
      await Promise.all(orders.map((order) => acceptOne(intake, order)));
    },
    counted: async () => (await figuresOf(pool)).orders,
    expectExactly: (orders) => expectExactly(orders, pool, intake),
    close: async () => {
      for (let close = closers.pop(); close; close = closers.pop()) await close();
    },
  };
};

/** One order by itself, as a single request brings it. */
export const acceptOne = async (intake: Intake, order: Order): Promise<Receipt> => {
  const [outcome] = await intake.accept([order]);
  if (outcome === undefined || outcome instanceof Error) throw outcome;
  return outcome;
};

export const isFulfilled = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );

const expectExactly = async (orders: readonly Order[], pool: Pool, intake: Intake): Promise<void> => {
  const cents = orders.reduce((sum, order) => sum + order.priceCents, 0);
  const isCounted = async () => (await figuresOf(pool)).orders >= orders.length;
  await until(`${orders.length} orders counted`, isCounted, 30_000);
  await until("nothing waits", async () => (await intake.backlog(1_000_000)).orders === 0, 30_000);
  expect(await figuresOf(pool)).toEqual({ orders: orders.length, cents, rows: orders.length });
};
