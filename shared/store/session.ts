/**
 * What every PostgreSQL session must have before it is used. The settings are set after connecting and read back from
 * the server, because each other way to give them can be lost without an error: `options` in DATABASE_URL replaces ours,
 * a role or a database has defaults of its own, and a pooler refuses or drops startup parameters.
 */
import type { ClientBase } from "pg";
import { sqlStateOf } from "./errors.ts";

/** Values by PostgreSQL's names, in the units of `pg_settings.setting`. */
export type SessionSettings = Readonly<Record<string, string>>;

/** DATABASE_URL leads to a session that cannot keep the promises: a wrong setting, which no retry repairs. */
export class UnfitSession extends Error {}

export type SessionNeeds = {
  /** Whether a commit waits for the disk. */
  readonly synchronousCommit: "on" | "off";
  readonly statementTimeoutMs: number;
};

/** A transaction that its client left open holds back v1's watermark and vacuum: the server ends it. */
const IDLE_IN_TRANSACTION_MS = 2_000;

const neededSettings = ({ synchronousCommit, statementTimeoutMs }: SessionNeeds): SessionSettings => ({
  synchronous_commit: synchronousCommit,
  statement_timeout: String(statementTimeoutMs),
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  // a counting statement has to see what was committed since the last one; at a higher level it fails instead
  default_transaction_isolation: "read committed",
  // how fingerprints and times come back as text
  bytea_output: "hex",
  DateStyle: "ISO, MDY",
});

/** Settings of the server that bear on durability. They cannot be set by a session, only reported. */
const REPORTED = ["fsync", "full_page_writes"];

const SET_SETTINGS = `
SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS needed (name, value)`;
const READ_SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)";

/** Sets what is needed, and resolves with the session's settings as the server reports them. */
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
  return found;
};

/** 22023: the value is refused. 42501: the role may not set it. */
const isRefusedSetting = (error: unknown): boolean => ["22023", "42501"].includes(sqlStateOf(error) ?? "");

/** A pooler has at most some dozens of server connections, and hands them out in turn or the latest first. */
const MOST_TRIES = 64;

/**
 * Rejects when two clients share a backend: a pooler in transaction or statement mode, under which session settings,
 * advisory locks and prepared statements belong to whoever comes next. `connect` opens a second session, which is closed
 * again. A pooler is known by the process id that it made up for the client; without one nothing more is asked.
 */
export const refuseSharedBackend = async (
  client: ClientBase,
  connect: () => Promise<ClientBase & { end(): Promise<void> }>,
): Promise<void> => {
  const announced = (client as { processID?: number | null }).processID;
  const own = await backendOf(client);
  if (announced === own) return;
  const other = await connect();
  try {
    for (let tries = 0; tries < MOST_TRIES; tries++)
      if ((await backendOf(other)) === own || (await backendOf(client)) !== own)
        throw new UnfitSession(
          "DATABASE_URL leads through a pooler in transaction or statement mode, which loses session settings and " +
            "locks; use its session mode (pgbouncer: pool_mode = session) or connect to PostgreSQL directly",
        );
  } finally {
    await other.end();
  }
};

const backendOf = async (client: ClientBase): Promise<number | undefined> =>
  (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
