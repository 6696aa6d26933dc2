/**
 * The requirements of every PostgreSQL session. The settings are set after connecting and read back from the server,
 * because each other way to set them can fail without an error: `options` in DATABASE_URL replaces ours, a role or a
 * database has defaults of its own, and a pooler rejects or drops startup parameters.
 */
import type { ClientBase } from "pg";
import { sqlStateOf } from "./errors.ts";

/** Values by PostgreSQL's names, in the units of `pg_settings.setting`. */
export type SessionSettings = Readonly<Record<string, string>>;

/** The session cannot have the required settings: DATABASE_URL, or the server behind it, is configured wrongly. */
export class UnfitSession extends Error {}

/** At the start a wrong setting, later an outage: the server refuses the connection, or has become a read replica. */
export class RefusedConnection extends UnfitSession {}

export type SessionNeeds = {
  /** Whether a commit waits for the disk. */
  readonly synchronousCommit: "on" | "off";
  readonly statementTimeoutMs: number;
  /** The server ends a transaction that its client left open: it holds back v1's watermark and vacuum. 0 is never. */
  readonly idleInTransactionMs: number;
  /** It changes rows. */
  readonly isWriter: boolean;
};

const neededSettings = ({
  synchronousCommit,
  statementTimeoutMs,
  idleInTransactionMs,
}: SessionNeeds): SessionSettings => ({
  synchronous_commit: synchronousCommit,
  statement_timeout: String(statementTimeoutMs),
  idle_in_transaction_session_timeout: String(idleInTransactionMs),
  // a counting statement must see everything committed since the last one; at a higher level it fails instead
  default_transaction_isolation: "read committed",
  // the text formats that fingerprints and times are parsed from
  bytea_output: "hex",
  DateStyle: "ISO, MDY",
});

/** Settings of the server that affect durability. A session can only report them. */
const REPORTED = ["fsync", "full_page_writes", "in_hot_standby"];

const SET_SETTINGS = `
SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS needed (name, value)`;
const READ_SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)";

/** Sets the required settings, and resolves with the session's settings as the server reports them. */
export const prepareSession = async (client: ClientBase, needs: SessionNeeds): Promise<SessionSettings> => {
  const needed = neededSettings(needs);
  const names = Object.keys(needed);
  try {
    await client.query(SET_SETTINGS, [names, Object.values(needed)]);
  } catch (error) {
    if (!isRefusedSetting(error)) throw error;
    throw new UnfitSession(`DATABASE_URL: this role may not set ${names.join(", ")}: ${error}`, {
      cause: error,
    });
  }
  const { rows } = await client.query<{ name: string; setting: string }>(READ_SETTINGS, [
    [...names, ...REPORTED],
  ]);
  const found = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  for (const name of names)
    if (found[name] !== needed[name])
      throw new UnfitSession(
        `DATABASE_URL: the session has ${name}=${found[name]} after it was set to ${needed[name]}; ` +
          "connect to PostgreSQL directly or through a pooler in session mode",
      );
  if (needs.isWriter && found["in_hot_standby"] === "on")
    throw new RefusedConnection(
      "DATABASE_URL: the server is a read replica, which takes no changes; expected the address of the primary",
    );
  return found;
};

/** 22023: the value is rejected. 42501: the role may not set it. */
const isRefusedSetting = (error: unknown): boolean => ["22023", "42501"].includes(sqlStateOf(error) ?? "");

/** On the first connection of a pool, and on later ones, when a pooler may have been set to another mode. */
export type PoolerTries = 32 | 4;

/**
 * Rejects when two clients share a backend: a pooler in transaction or statement mode, where session settings, advisory
 * locks and prepared statements are shared with other clients. A pooler announces its own process id; when that is the
 * backend's, there is no pooler and the check ends. Otherwise `connect` opens a second session, and both search `tries`
 * times for the backend of the other: a pooler assigns the backend that was released last, or each in turn.
 */
export const refuseSharedBackend = async (
  client: ClientBase,
  connect: () => Promise<ClientBase & { end(): Promise<void> }>,
  tries: PoolerTries,
): Promise<void> => {
  const announced = (client as { processID?: number | null }).processID;
  const own = await backendOf(client);
  if (announced === own) return;
  const other = await connect();
  try {
    for (let left = tries; left > 0; left--)
      if ((await backendOf(other)) === own || (await backendOf(client)) !== own)
        throw new UnfitSession(
          "DATABASE_URL: the pooler is in transaction or statement mode, where clients share session settings and " +
            "locks; expected session mode (pgbouncer: pool_mode = session) or PostgreSQL itself",
        );
  } finally {
    await other.end();
  }
};

const backendOf = async (client: ClientBase): Promise<number | undefined> =>
  (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
