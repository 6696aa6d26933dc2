/** What the API reads again and again in the background, so that no request waits for it. */
import { Gauge, type Registry } from "prom-client";
import { openLetters } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { oldestWriterSeconds } from "#shared/store/transaction.ts";

export type Poll = { close(): void };

/** Runs `work`, which must not reject, again and again, with a pause in between. */
export const pollEvery = (everyMs: number, work: () => Promise<void>): Poll => {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const poll = async (): Promise<void> => {
    await work();
    if (!closed) timer = setTimeout(poll, everyMs);
  };
  void poll();
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
};

/** Whether PostgreSQL answers reads. */
export const pollDatabase = (pool: Pool, everyMs: number): Poll & { state(): "ok" | "away" } => {
  let state: "ok" | "away" = "away";
  const { close } = pollEvery(everyMs, async () => {
    try {
      await pool.query("SELECT 1");
      state = "ok";
    } catch {
      // the state is the result; the reason is logged by what needs the database
      state = "away";
    }
  });
  return { state: () => state, close };
};

/** Often enough for a scrape; each poll reads some open letters by their index, and the list of sessions. */
const STORED_EVERY_MS = 5_000;

/**
 * Gauges of open dead letters and of transactions that hold v1's counting back. The API exposes them, because a dead worker
 * cannot. While PostgreSQL is unreachable they have no value: an old one would hide a new problem.
 */
export const pollStored = (
  pool: Pool,
  registry: Registry,
  modes: readonly string[],
  everyMs = STORED_EVERY_MS,
): Poll => {
  let letters: ReadonlyMap<string, number> | null = null;
  let oldestSeconds: number | null = null;
  new Gauge({
    name: "coffee_dead_letters_open",
    help: "Dead letters that are neither replayed nor discarded",
    labelNames: ["mode"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [mode, open] of letters ?? []) this.set({ mode }, open);
    },
  });
  new Gauge({
    name: "coffee_watermark_age_seconds",
    help: "Age of the oldest transaction that writes; v1 counts nothing that was stored after it began",
    registers: [registry],
    collect() {
      if (oldestSeconds === null) this.remove();
      else this.set(oldestSeconds);
    },
  });
  // the error is logged by what needs the database
  const unknown = (): null => null;
  return pollEvery(everyMs, async () => {
    letters = await openLetters(pool, modes).catch(unknown);
    oldestSeconds = await oldestWriterSeconds(pool).catch(unknown);
  });
};
