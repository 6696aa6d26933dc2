import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { verifySchema } from "./schema.ts";
import { prepareSession, refuseSharedBackend, type SessionSettings, UnfitSession } from "./session.ts";

/** A connection pool; the only way to PostgreSQL in this system. */
export type Pool = pg.Pool;
export type Client = pg.PoolClient;

export type SessionOptions = {
  readonly databaseUrl: string;
  /** Shown by pg_stat_activity. */
  readonly program: string;
  /** A statement is cancelled by the server after this long, and given up by us half a second later; 0 is never. */
  readonly statementTimeoutMs: number;
  /** How long a caller waits for a connection before PostgreSQL is reported as unreachable. */
  readonly connectTimeoutMs: number;
};

export type PoolOptions = SessionOptions & {
  readonly maxConnections: number;
  /** Whether a commit waits for the disk; on by default. `off` is for experiments. */
  readonly synchronousCommit?: "on" | "off";
  /** Checks each new connection; one that it rejects is not used. */
  readonly verify?: (client: Client) => Promise<void>;
  /** Called for each new connection with its settings as the server reports them. */
  readonly onVerified?: (settings: SessionSettings) => void;
  /** Called when DATABASE_URL turns out to be wrong before any connection could be used: the program has to stop. */
  readonly onUnfit?: (error: UnfitSession) => void;
};

/** The server notices a client that vanished without a word; the client notices such a server by its timeouts. */
const KEEP_ALIVE_IDLE_MS = 5_000;

/** `onError` receives the errors of connections that broke while idle; the pool replaces them by itself. */
export const openPool = (options: PoolOptions, onError: (error: Error) => void): Pool => {
  const config = clientConfigOf(options);
  let hasOwnBackends = false;
  let wasFit = false;

  const prepare = async (client: Client): Promise<void> => {
    // a connection that breaks in use fails its statement; without a listener its error would end the program too
    client.on("error", () => undefined);
    try {
      if (!hasOwnBackends) await refuseSharedBackend(client, () => connected(config));
      hasOwnBackends = true;
      const settings = await prepareSession(client, {
        synchronousCommit: options.synchronousCommit ?? "on",
        statementTimeoutMs: options.statementTimeoutMs,
      });
      wasFit = true;
      await verifySchema(client);
      await options.verify?.(client);
      options.onVerified?.(settings);
    } catch (error) {
      if (error instanceof UnfitSession && !wasFit) options.onUnfit?.(error);
      throw error;
    }
  };

  // pg-pool awaits it, though its type says void
  const pool = new pg.Pool({
    ...config,
    max: options.maxConnections,
    onConnect: prepare as (client: pg.ClientBase) => unknown as (client: pg.ClientBase) => void,
  });
  pool.on("error", onError);
  return pool;
};

/**
 * DATABASE_URL's own parameters, and ours, which win. No setting is sent with the startup packet: pgbouncer refuses
 * parameters that it does not track.
 */
const clientConfigOf = (options: SessionOptions): pg.ClientConfig => ({
  ...parseIntoClientConfig(options.databaseUrl),
  application_name: options.program,
  connectionTimeoutMillis: options.connectTimeoutMs,
  statement_timeout: undefined,
  idle_in_transaction_session_timeout: undefined,
  query_timeout: options.statementTimeoutMs === 0 ? undefined : options.statementTimeoutMs + 500,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_IDLE_MS,
});

const connected = async (config: pg.ClientConfig): Promise<pg.Client> => {
  const client = new pg.Client(config);
  client.on("error", () => undefined);
  await client.connect();
  return client;
};

/** One session without a pool, for a program that holds a lock in it; its owner ends it. */
export const openSession = async (options: SessionOptions): Promise<pg.Client> => {
  const config = clientConfigOf(options);
  const client = await connected(config);
  try {
    await refuseSharedBackend(client, () => connected(config));
    await prepareSession(client, { ...options, synchronousCommit: "on" });
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
};
