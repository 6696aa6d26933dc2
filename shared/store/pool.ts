import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { messageOf } from "../runtime/lifecycle.ts";
import { explainedRefusal } from "./refusal.ts";
import { verifySchema } from "./schema.ts";
import {
  prepareSession,
  RefusedConnection,
  refuseSharedBackend,
  type SessionSettings,
  UnfitSession,
} from "./session.ts";

/** A connection pool; the only way to PostgreSQL in this system. */
export type Pool = pg.Pool;
export type Client = pg.PoolClient;

export type SessionOptions = {
  readonly databaseUrl: string;
  /** Shown by pg_stat_activity. */
  readonly program: string;
  /** The server cancels a statement after this long, the client abandons it 500 ms later; 0 is never. */
  readonly statementTimeoutMs: number;
  /** How long a caller waits for a connection before PostgreSQL is reported as unreachable. */
  readonly connectTimeoutMs: number;
  /** It changes rows: a read replica is rejected. */
  readonly isWriter?: boolean;
};

export type PoolOptions = SessionOptions & {
  readonly maxConnections: number;
  /** Whether a commit waits for the disk; on by default. `off` is for experiments. */
  readonly synchronousCommit?: "on" | "off";
  /** Checks each new connection; one that it rejects is not used. */
  readonly verify?: (client: Client) => Promise<void>;
  /** Called for each new connection with its settings as the server reports them. */
  readonly onVerified?: (settings: SessionSettings) => void;
  /**
   * Called when no connection can be used because DATABASE_URL is wrong, once until one can be. `isStart`: none could be
   * used since the program started, so it must stop.
   */
  readonly onUnfit?: (error: UnfitSession, isStart: boolean) => void;
};

/** The server notices a client that disappeared without closing; the client notices such a server by its timeouts. */
const KEEP_ALIVE_IDLE_MS = 5_000;
const IDLE_IN_TRANSACTION_MS = 2_000;
/** A wrong DATABASE_URL is found within this time, and stops the program. Found later, it must not stop the other modes. */
const START_MS = 30_000;
/** For the check for a pooler, which may have no second session. */
const CHECK_TIMEOUT_MS = 5_000;

/** `onError` receives the errors of connections that broke while idle; the pool replaces them. */
export const openPool = (options: PoolOptions, onError: (error: Error) => void): Pool => {
  const config = clientConfigOf(options);
  const openedAt = performance.now();
  let wasFit = false;
  let isReported = false;

  const prepare = async (client: Client): Promise<void> => {
    // a connection that breaks in use fails its statement; without a listener its error would end the program too
    client.on("error", () => undefined);
    try {
      await refuseSharedBackend(client, () => connected(checkConfigOf(config)), wasFit ? 4 : 32);
      const settings = await prepareSession(client, {
        synchronousCommit: options.synchronousCommit ?? "on",
        statementTimeoutMs: options.statementTimeoutMs,
        idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
        isWriter: options.isWriter ?? false,
      });
      wasFit = true;
      isReported = false;
      await verifySchema(client);
      await options.verify?.(client);
      options.onVerified?.(settings);
    } catch (error) {
      report(error);
      abandon(client);
      throw error;
    }
  };
  const report = (error: unknown): void => {
    if (!(error instanceof UnfitSession) || isReported) return;
    // a server that becomes a replica, or refuses a user that it knew, is an outage
    if (error instanceof RefusedConnection && wasFit) return;
    isReported = true;
    options.onUnfit?.(error, !wasFit && performance.now() - openedAt < START_MS);
  };

  // pg-pool awaits it, though it is declared as void
  const pool = new pg.Pool({
    ...config,
    max: options.maxConnections,
    onConnect: prepare as (client: pg.ClientBase) => unknown as (client: pg.ClientBase) => void,
  });
  pool.on("error", onError);
  explainRefusals(pool, (error) => {
    const explained = explainedRefusal(error, config);
    report(explained);
    return explained;
  });
  return pool;
};

/** Passes the errors of connections that could not be opened through `explain`. */
const explainRefusals = (pool: Pool, explain: (error: Error) => Error): void => {
  const connect = pool.connect.bind(pool);
  const explained = async (): Promise<Client> => {
    try {
      return await connect();
    } catch (error) {
      throw error instanceof Error ? explain(error) : error;
    }
  };
  // the pool's own queries connect with a callback
  const explaining: typeof pool.connect = ((callback?: Parameters<typeof connect>[0]) =>
    callback === undefined
      ? explained()
      : connect((error, client, done) =>
          callback(error && explain(error), client, done),
        )) as typeof pool.connect;
  pool.connect = explaining;
};

/**
 * DATABASE_URL's own parameters, and ours, which win. No setting is sent with the startup packet: pgbouncer rejects
 * parameters that it does not track.
 */
const clientConfigOf = (options: SessionOptions): pg.ClientConfig => ({
  ...configIn(options.databaseUrl),
  application_name: options.program,
  connectionTimeoutMillis: options.connectTimeoutMs,
  statement_timeout: undefined,
  idle_in_transaction_session_timeout: undefined,
  query_timeout: options.statementTimeoutMs === 0 ? undefined : options.statementTimeoutMs + 500,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_IDLE_MS,
});

/** Reads the files that the URL names, as sslrootcert. */
const configIn = (databaseUrl: string): pg.ClientConfig => {
  try {
    return parseIntoClientConfig(databaseUrl);
  } catch (error) {
    throw new Error(`DATABASE_URL: ${messageOf(error)}`, { cause: error });
  }
};

const checkConfigOf = (config: pg.ClientConfig): pg.ClientConfig => ({
  ...config,
  query_timeout: CHECK_TIMEOUT_MS,
});

const connected = async (config: pg.ClientConfig): Promise<pg.Client> => {
  const client = new pg.Client(config);
  client.on("error", () => undefined);
  await client.connect();
  return client;
};

/** `end` alone waits for the server; on a broken network that would take minutes. */
const abandon = (client: pg.ClientBase): void => {
  const { connection } = client as { connection?: { stream: { destroy(): void } } };
  connection?.stream.destroy();
};

/** One session without a pool, for a program that holds a lock in it; the caller ends it. */
export const openSession = async (options: SessionOptions): Promise<pg.Client> => {
  const config = clientConfigOf(options);
  const client = await connected(config).catch((error: Error) => {
    throw explainedRefusal(error, config);
  });
  try {
    await refuseSharedBackend(client, () => connected(checkConfigOf(config)), 32);
    await prepareSession(client, {
      ...options,
      synchronousCommit: "on",
      idleInTransactionMs: 0,
      isWriter: options.isWriter ?? false,
    });
    return client;
  } catch (error) {
    abandon(client);
    throw error;
  }
};
