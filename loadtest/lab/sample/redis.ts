/** What a Redis did in a run, by its own INFO. */
import type { RedisClient } from "#shared/runtime/redis.ts";

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
