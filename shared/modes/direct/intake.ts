import type { Order } from "../../domain/order.ts";
import {
  type Backlog,
  type Intake,
  KeyConflict,
  type Log,
  type Outcome,
  type Receipt,
  Unavailable,
  type Verified,
} from "../../ports.ts";
import { messageOf } from "../../runtime/lifecycle.ts";
import { excludesCommit, isPoison, sqlStateOf } from "../../store/errors.ts";
import { type Client, openPool, type Pool } from "../../store/pool.ts";
import { encodeOrders, fingerprintOf } from "../../wire/order-message.ts";
import { groupWrites } from "../group.ts";
import { DECISION_MS, STALE_MS } from "../queue.ts";
import { refuseRestored } from "./count-stored.ts";
import type { DirectSettings } from "./mode.ts";
import { findOrders, storeOrders, uncounted } from "./stored-orders.ts";

/** Leaves time for the reply within the deadline of a request. */
const STATEMENT_TIMEOUT_MS = 1_300;
const CONNECT_TIMEOUT_MS = 1_000;
/** With 64 connections this gives 20 % more orders per second; a lower value makes groups that cost PostgreSQL more. */
const EAGER_ORDERS = 24;
/** insufficient_privilege and undefined_function. */
const FORBIDDEN = new Set(["42501", "42883"]);
/** query_canceled: the server is up, and cancelled our statement at its timeout. */
const STATEMENT_TIMEOUT = "57014";

/** v1: concurrent requests share a commit. Each flush is one prepared INSERT of all queued orders. */
export const openDirectIntake = (
  settings: DirectSettings,
  log: Log,
  failed: (error: Error) => void = () => undefined,
): Intake => {
  let verified: Verified | null = null;
  const pool = openPool(
    {
      databaseUrl: settings.databaseUrl,
      program: "coffee-v1-intake",
      // one more than the writes, so that the backlog can be read while they are slow
      maxConnections: settings.v1MaxWritesInFlight + 1,
      verify: refuseRestored,
      synchronousCommit: settings.v1SynchronousCommit,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      isWriter: true,
      onUnfit: (error, isStart) => {
        if (isStart) failed(error);
      },
      onVerified: ({ synchronous_commit = "", fsync = "", full_page_writes = "" }) => {
        if (verified === null && fsync !== "on")
          log.warn({ mode: "v1", fsync }, "PostgreSQL has fsync=off, a power loss loses orders");
        verified = { synchronous_commit, fsync, full_page_writes };
      },
    },
    (error) => log.warn({ err: error, mode: "v1" }, "idle PostgreSQL connection lost"),
  );
  const parts: Parts = { pool, synchronousCommit: settings.v1SynchronousCommit, log };
  const group = groupWrites<Order, Receipt>(
    {
      maxItems: settings.v1GroupMaxOrders,
      maxInFlight: settings.v1MaxWritesInFlight,
      maxQueued: settings.v1MaxQueuedOrders,
      eagerItems: EAGER_ORDERS,
      lingerMs: 0,
      staleMs: STALE_MS,
      deadlineMs: DECISION_MS,
    },
    (orders) => store(parts, orders),
  );
  return {
    accept: group.add,
    isFull: group.isFull,
    backlog: (most) => backlogOf(pool, most),
    probe: () => probe(parts),
    verified: () => verified,
    close: async () => {
      await group.close();
      await pool.end();
    },
  };
};

/** A backlog that PostgreSQL cannot count in time is reported as `most`: only 2 million new rows or more take that long. */
const backlogOf = async (pool: Pool, most: number): Promise<Backlog> => {
  try {
    return await uncounted(pool, most);
  } catch (error) {
    if (sqlStateOf(error) !== STATEMENT_TIMEOUT) throw error;
    return { orders: most, oldestMs: (await uncounted(pool, 1)).oldestMs };
  }
};

type Parts = { readonly pool: Pool; readonly synchronousCommit: "on" | "off"; readonly log: Log };

/**
 * Runs the statement that stores orders with no order: PostgreSQL rejects it for the same reasons (it is read-only or a
 * standby, a table or a right is missing). Then it commits a message to the log, so that a disk or a synchronous standby
 * that hangs is noticed too. Stores no row.
 */
const probe = (parts: Parts): Promise<void> =>
  withClient(parts.pool, async (client) => {
    await storeVerified(parts, client, "[]");
    await client
      .query("SELECT pg_logical_emit_message(true, 'coffee-rt', 'probe')")
      .catch((error: unknown) => {
        // where the function is not allowed the first statement must be enough
        if (!FORBIDDEN.has(sqlStateOf(error) ?? "")) throw error;
      });
  });

/** Rejects when the commit did not have the promised setting; the orders may be stored by then. */
const storeVerified = async (
  { synchronousCommit: promised }: Parts,
  client: Client,
  messages: string,
): Promise<Set<string> | null> => {
  const { ids, synchronousCommit } = await storeOrders(client, "v1", messages);
  if (synchronousCommit !== promised)
    throw new Error(`the session commits with synchronous_commit=${synchronousCommit}, not ${promised}`);
  return ids;
};

/** A session whose statement failed is closed: it keeps the defaults that its role and database had when it was opened. */
const withClient = async <T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(!isPoison(error));
    throw error;
  }
};

/**
 * Stores the orders in one commit. An order that the database rejects fails alone: the group is halved until it is
 * isolated.
 */
const store = async (parts: Parts, orders: readonly Order[]): Promise<Outcome[]> => {
  const { pool, log } = parts;
  /** Whether a connection was obtained: an earlier error is one of connecting, and nothing was sent. */
  let isSent = false;
  try {
    const stored = await withClient(pool, (client) => {
      isSent = true;
      return storeVerified(parts, client, encodeOrders(orders));
    });
    return stored === null ? orders.map(() => NEW) : await receiptsOf(pool, orders, stored);
  } catch (error) {
    if (!isPoison(error)) {
      const reason = isSent && !excludesCommit(error) ? "outcome_unknown" : "backend_away";
      return orders.map(() => new Unavailable(reason, `PostgreSQL: ${messageOf(error)}`, error));
    }
    if (orders.length === 1) {
      log.error({ err: error, mode: "v1", orderId: orders[0]?.id }, "PostgreSQL rejected a valid order");
      return [error as Error];
    }
    const middle = orders.length >> 1;
    const first = await store(parts, orders.slice(0, middle));
    return [...first, ...(await store(parts, orders.slice(middle)))];
  }
};

const NEW: Receipt = { replayed: false };

/** The receipts of new orders, of duplicates, and of orders whose key belongs to an order with another body. */
const receiptsOf = async (pool: Pool, orders: readonly Order[], stored: Set<string>): Promise<Outcome[]> => {
  const ids = orders.map((order) => order.id);
  const winners = await findOrders(pool, ids).catch((error: unknown) => {
    // the orders are stored: the SQLSTATE of this error must not blame them
    throw new Error(messageOf(error), { cause: error });
  });
  const unseen = new Set(stored);
  return orders.map((order) => {
    const winner = winners.get(order.id);
    if (winner === undefined) return new Unavailable("outcome_unknown", "the order stored first was deleted");
    if (winner.fingerprint !== fingerprintOf(order))
      return new KeyConflict("the key belongs to an order with another body");
    return unseen.delete(order.id) ? NEW : { replayed: true, eventTimeMs: winner.eventTimeMs };
  });
};
