import pg from "pg";

/** A connection pool; the only way to PostgreSQL in this system. */
export type Pool = pg.Pool;
export type Client = pg.PoolClient;

export type PoolOptions = {
  readonly databaseUrl: string;
  /** Shown by pg_stat_activity. */
  readonly program: string;
  readonly maxConnections: number;
  /** Whether a commit waits for the disk; on where nothing is said. `off` is for experiments. */
  readonly synchronousCommit?: "on" | "off";
  /** A statement is cancelled by the server after this long, and given up by us half a second later. */
  readonly statementTimeoutMs: number;
  /** Looks at each new connection; what it rejects is not used. */
  readonly verify?: (client: Client) => Promise<void>;
  /** How long a caller waits for a connection before it is told that PostgreSQL is away. */
  readonly connectTimeoutMs: number;
};

/** A transaction that its client left open holds back v1's watermark and vacuum: the server ends it. */
const IDLE_IN_TRANSACTION_MS = 2_000;
/** The server notices a client that vanished without a word; the client notices such a server by its timeouts. */
const KEEP_ALIVE_IDLE_MS = 5_000;

/** `onError` hears of connections that broke while idle; the pool replaces them by itself. */
export const openPool = (options: PoolOptions, onError: (error: Error) => void): Pool => {
  const { verify } = options;
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    application_name: options.program,
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    // said for each session: a server whose own default is off would break the promise without a word
    options: `-c synchronous_commit=${options.synchronousCommit ?? "on"}`,
    ...(verify && {
      verify: (client: Client, done: (error?: Error) => void) => verify(client).then(() => done(), done),
    }),
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 500,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_IDLE_MS,
  });
  pool.on("error", onError);
  // one that breaks in use fails its statement, which tells; that nobody listens would end the program as well
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
};
