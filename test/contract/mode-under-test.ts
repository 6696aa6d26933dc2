/** A mode on a database and a queue of its own, with intakes, sources and workers to test it with. */
import { expect } from "vitest";
import type { Order } from "#shared/domain/order.ts";
import type { Intake, Mode, Receipt } from "#shared/ports.ts";
import { loadSettings, variablesFor } from "#shared/runtime/config.ts";
import { openClosers } from "#shared/runtime/lifecycle.ts";
import type { Pool } from "#shared/store/pool.ts";
import { totalsOf } from "../../dev/system/database.ts";
import type { Server } from "../../dev/system/servers/server.ts";
import { closeAll, freshDatabase, freshName, poolOn, silent, until } from "../fresh.ts";
import { type Program, startProgram } from "../processes.ts";
import { startWorkerHere, type WorkerHere } from "../worker-here.ts";

/** Servers that the suite may kill. */
export type Backends = {
  /** The one that `Mode.backend` names. */
  readonly backend: Server;
  readonly postgres: Server;
  readonly board: Server;
  /** Every server's address, by its variable. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The program that counts in this mode. */
  readonly workerFile: string;
};

type Settings = Record<string, string | number | boolean>;

export type ModeUnderTest = {
  readonly pool: Pool;
  readonly intake: Intake;
  openIntake(more: Settings): Promise<Intake>;
  /** Moves on to a consumer group that starts with what remains. */
  useLaterGroup(): Promise<void>;
  openSource(): ReturnType<Mode["openSource"]>;
  /** The real worker on the mode's real source, in this process. */
  startWorker(): WorkerHere;
  startWorkerProcess(): Program;
  acceptAll(orders: readonly Order[]): Promise<void>;
  counted(): Promise<number>;
  /** Waits until all are counted and none is pending; fails if anything else or anything twice was counted. */
  expectExactly(orders: readonly Order[]): Promise<void>;
  close(): Promise<void>;
};

/** One promise of the contract. */
export type Clause = { readonly title: string; readonly holds: (of: Subject) => Promise<void> };
export type Subject = { readonly subject: ModeUnderTest; readonly mode: Mode; readonly backend: Server };

/** New names of queues and topics, and short waits. A mode ignores the settings of the others. */
const settingsFor = (mode: Mode, addresses: Readonly<Record<string, string>>): Settings => {
  const name = freshName("orders");
  const own = ["stream", "topic", "queue", "group"].map((what) => [
    `${mode.name}_${what}`.toUpperCase(),
    name,
  ]);
  return loadSettings(mode.knobs, {
    ...addresses,
    ...Object.fromEntries(own),
    V1_TICK_MS: "100",
    V2_CLAIM_IDLE_MS: "1000",
    V3_SESSION_TIMEOUT_MS: "6000",
  }) as Settings;
};

const countedIn = async (pool: Pool, { name }: Mode): Promise<number> =>
  (await totalsOf(pool, name)).rollups["rollup_hour"]?.orders ?? 0;

export const openModeUnderTest = async (mode: Mode, backends: Backends): Promise<ModeUnderTest> => {
  const closers = openClosers();
  // the server's own database "postgres" is migrated, and without connections it can be a template
  const databaseUrl = await freshDatabase(
    backends.postgres.url.replace(/postgres$/, "template1"),
    "postgres",
  );
  const addresses = { ...backends.addresses, DATABASE_URL: databaseUrl };
  let settings = settingsFor(mode, addresses);
  const pool = poolOn(databaseUrl);
  closers.add("pool", () => pool.end());

  const openIntake = async (more: Settings): Promise<Intake> => {
    const intake = mode.openIntake({ ...settings, ...more }, silent);
    closers.add("intake", () => intake.close());
    await until("the backend answers", () => isFulfilled(intake.backlog(1_000_000)));
    return intake;
  };
  let intake = await openIntake({});

  const startWorker = () => {
    const { worker, stop } = startWorkerHere(mode, settings, backends.board.url, pool);
    closers.add("worker", stop);
    return { worker, stop };
  };
  const startWorkerProcess = (): Program => {
    const own = { MODE: mode.name, METRICS_PORT: "0", LOG_LEVEL: "warn" };
    const program = startProgram(backends.workerFile, { ...addresses, ...variablesFor(settings), ...own });
    closers.add("program", () => program.kill("SIGKILL"));
    return program;
  };
  return {
    pool,
    get intake() {
      return intake;
    },
    openIntake,
    useLaterGroup: async () => {
      settings = { ...settings, [`${mode.name}Group`]: freshName("later") };
      intake = await openIntake({});
    },
    openSource: () => {
      const source = mode.openSource(settings, silent);
      closers.add("source", () => source.close());
      return source;
    },
    startWorker,
    startWorkerProcess,
    acceptAll: async (orders) => {
      await Promise.all(orders.map((order) => acceptOne(intake, order)));
    },
    counted: () => countedIn(pool, mode),
    expectExactly: (orders) => expectExactly(orders, mode, pool, intake),
    close: () => closeAll(closers),
  };
};

/** Accepts one order by itself, as a single request does. */
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

const expectExactly = async (
  orders: readonly Order[],
  mode: Mode,
  pool: Pool,
  intake: Intake,
): Promise<void> => {
  await until(`${orders.length} orders counted`, async () => (await countedIn(pool, mode)) >= orders.length);
  await until("none is pending", async () => (await intake.backlog(1_000_000)).orders === 0);
  const cents = orders.reduce((sum, order) => sum + order.priceCents, 0);
  const { stored, rollups } = await totalsOf(pool, mode.name);
  for (const [table, tally] of Object.entries({ orders: stored, ...rollups }))
    expect({ table, ...tally }).toEqual({ table, orders: orders.length, cents });
};
