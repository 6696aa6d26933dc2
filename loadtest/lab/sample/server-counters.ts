/** What the servers did in a run: their own counters, before and after. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { closeRedis, openRedis, type RedisClient, redisOptions } from "#shared/runtime/redis.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { Servers } from "../../../dev/system/servers/start.ts";
import type { Run } from "../run/results.ts";

export type Counters = Partial<Record<keyof Run["servers"], Readonly<Record<string, number>>>>;

/** Counted since the server began; the others are as they are at the end. */
const GROWING: ReadonlySet<string> = new Set([
  ...["walBytes", "walRecords", "walSyncs", "walSyncSeconds", "commits", "deadlocks", "tempBytes"],
  ...["autovacuums", "checkpoints", "delayedSyncs", "commands", "mainThreadSeconds"],
]);

export const countersOf = async (servers: Servers, pool: Pool): Promise<Counters> => {
  const [postgres, stream, board] = await Promise.all([
    Promise.all([postgresCounters(pool), postgresSizes(pool)])
      .then(([counters, sizes]) => ({ ...counters, ...sizes }))
      .catch(() => null),
    figuresOfRedis(servers.stream?.url),
    figuresOfRedis(servers.board?.url),
  ]);
  return { ...(postgres && { postgres }), ...(stream && { stream }), ...(board && { board }) };
};

/** Null where there is none, or none that answers. */
const figuresOfRedis = async (url: string | undefined): Promise<Readonly<Record<string, number>> | null> => {
  if (url === undefined) return null;
  const redis = openRedis(url, { ...redisOptions("coffee-lab"), enableOfflineQueue: true }, () => undefined);
  try {
    return await redisFigures(redis);
  } catch {
    // a fault may have it down at this moment
    return null;
  } finally {
    await closeRedis(redis);
  }
};

/** A restarted server counts from its start. */
export const grownBy = (before: Counters, after: Counters): Run["servers"] =>
  Object.fromEntries(
    Object.entries(after).map(([server, figures]) => {
      const earlier = before[server as keyof Counters] ?? {};
      const grown = Object.entries(figures).map(([name, value]) => {
        const from = GROWING.has(name) ? (earlier[name] ?? 0) : 0;
        return [name, Number((value >= from ? value - from : value).toFixed(3))];
      });
      return [server, Object.fromEntries(grown)];
    }),
  );

/** Of a topic's logs on the broker's disk; the broker runs in the folder of its data. 0 where that is not ours to see. */
export const topicBytes = (brokerPid: number, topic: string): number => {
  try {
    const folder = readlinkSync(`/proc/${brokerPid}/cwd`);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(({ name, parentPath }) => name.endsWith(".log") && basename(parentPath).startsWith(`${topic}-`))
      .reduce((sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size, 0);
  } catch {
    return 0;
  }
};

/** What PostgreSQL did in a run: its own counters (PostgreSQL 18's statistics views) and what its sessions waited for. */

/** Counters since the server started; a run's figures are differences. */
export type PostgresCounters = {
  readonly walBytes: number;
  readonly walRecords: number;
  readonly walSyncs: number;
  readonly walSyncSeconds: number;
  readonly commits: number;
  readonly deadlocks: number;
  readonly tempBytes: number;
  readonly autovacuums: number;
  readonly checkpoints: number;
};

/** Sessions at work at one moment, by what they were waiting for. */
export type PostgresWaits = {
  readonly active: number;
  /** Writing or syncing the log: commits. */
  readonly wal: number;
  /** Rows, relations, transactions of others. */
  readonly lock: number;
  readonly io: number;
  /** Lightweight locks inside the server. */
  readonly internal: number;
  /** Waiting for nothing: computing, or for a core. */
  readonly computing: number;
};

const COUNTERS = `
SELECT (SELECT wal_bytes FROM pg_stat_wal)::float8 AS "walBytes",
       (SELECT wal_records FROM pg_stat_wal)::float8 AS "walRecords",
       coalesce(sum(fsyncs), 0)::float8 AS "walSyncs",
       (coalesce(sum(fsync_time), 0) / 1000)::float8 AS "walSyncSeconds",
       (SELECT sum(xact_commit) FROM pg_stat_database)::float8 AS "commits",
       (SELECT sum(deadlocks) FROM pg_stat_database)::float8 AS "deadlocks",
       (SELECT sum(temp_bytes) FROM pg_stat_database)::float8 AS "tempBytes",
       (SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables)::float8 AS "autovacuums",
       (SELECT num_timed + num_requested FROM pg_stat_checkpointer)::float8 AS "checkpoints"
FROM pg_stat_io WHERE object = 'wal'`;

const WAITS = `
SELECT count(*)::float8 AS active,
       count(*) FILTER (WHERE wait_event IN ('WalSync', 'WalWrite', 'WALSync', 'WALWrite', 'WALWriteLock', 'WalInsert', 'WALInsert'))::float8 AS wal,
       count(*) FILTER (WHERE wait_event_type = 'Lock')::float8 AS lock,
       count(*) FILTER (WHERE wait_event_type = 'IO' AND wait_event !~* '^wal')::float8 AS io,
       count(*) FILTER (WHERE wait_event_type = 'LWLock' AND wait_event !~* '^wal')::float8 AS internal,
       count(*) FILTER (WHERE wait_event IS NULL)::float8 AS computing
FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

const SIZES = `
SELECT pg_database_size(current_database())::float8 AS "databaseBytes",
       coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('orders') WHERE isleaf), 0)::float8 AS "ordersBytes",
       coalesce((SELECT sum(pg_indexes_size(relid)) FROM pg_partition_tree('orders') WHERE isleaf), 0)::float8 AS "orderIndexBytes",
       coalesce((SELECT sum(n_dead_tup) FROM pg_stat_user_tables), 0)::float8 AS "deadRows"`;

const first = async <T extends object>(pool: Pool, sql: string): Promise<T> => {
  const [row] = (await pool.query<T>(sql)).rows;
  if (row === undefined) throw new Error("an aggregate without a row");
  return row;
};

export const postgresCounters = (pool: Pool): Promise<PostgresCounters> => first(pool, COUNTERS);
export const postgresWaits = (pool: Pool): Promise<PostgresWaits> => first(pool, WAITS);
/** At the end of a run. */
export const postgresSizes = (pool: Pool): Promise<Record<string, number>> => first(pool, SIZES);

/** What a Redis did in a run, by its own INFO. */

export type RedisFigures = {
  readonly peakBytes: number;
  readonly appendOnlyBytes: number;
  /** fsyncs that took so long that writes waited for them; counted with `everysec` alone. */
  readonly delayedSyncs: number;
  readonly commands: number;
  /** Of the one thread that carries out commands. */
  readonly mainThreadSeconds: number;
};

export const redisFigures = async (redis: RedisClient): Promise<RedisFigures> => {
  const info = await redis.info("all");
  const of = (name: string): number => Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(info)?.[1] ?? 0);
  return {
    peakBytes: of("used_memory_peak"),
    appendOnlyBytes: of("aof_current_size"),
    delayedSyncs: of("aof_delayed_fsync"),
    commands: of("total_commands_processed"),
    mainThreadSeconds: of("used_cpu_sys_main_thread") + of("used_cpu_user_main_thread"),
  };
};
