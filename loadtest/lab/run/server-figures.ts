/** What the servers did in a run: their own counters, before and after. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { closeRedis, openRedis, redisOptions } from "#shared/runtime/redis.ts";
import type { Pool } from "#shared/store/pool.ts";
import type { Servers } from "../../../dev/system/servers/start.ts";
import { postgresCounters, postgresSizes } from "../sample/postgres.ts";
import { redisFigures } from "../sample/redis.ts";
import type { Run } from "./results.ts";

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

/** A server that was started anew counts from its start. */
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
