/** Gauges for operators that no event feeds: they are looked up, now and then or at each scrape. */
import { Gauge, type Registry } from "prom-client";
import type { Board } from "#shared/domain/board.ts";
import { openLetters } from "#shared/store/dead-letters.ts";
import type { Pool } from "#shared/store/pool.ts";
import { oldestWriterSeconds } from "#shared/store/transaction.ts";

/** Often enough for a scrape; each look reads some open letters by their index, and the list of sessions. */
const LOOK_EVERY_MS = 5_000;

/**
 * From the API, because a dead worker cannot report: what waits for a person and what holds v1 up. While PostgreSQL
 * does not answer there is no figure, for an old one would say that all is well.
 */
export const watchStored = (
  pool: Pool,
  registry: Registry,
  modes: readonly string[],
  everyMs = LOOK_EVERY_MS,
): { close(): void } => {
  let letters: ReadonlyMap<string, number> | null = null;
  let oldestSeconds: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  new Gauge({
    name: "coffee_dead_letters_open",
    help: "Orders set aside that nobody has replayed or discarded yet",
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
  // whoever needs the database tells why it does not answer
  const unknown = (): null => null;
  const look = async (): Promise<void> => {
    letters = await openLetters(pool, modes).catch(unknown);
    oldestSeconds = await oldestWriterSeconds(pool).catch(unknown);
    if (!closed) timer = setTimeout(look, everyMs);
  };
  void look();
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
};

/**
 * How old the picture is that dashboards are shown. Before the first one it ages from the start of the process: whoever
 * has never had a board shows none, and to start again mends nothing.
 */
export const openBoardAge = (registry: Registry, latest: () => Board | null): void => {
  const openedAtMs = Date.now();
  new Gauge({
    name: "coffee_board_age_seconds",
    help: "Age of the newest board that this process has; before the first one, how long it has waited for it",
    registers: [registry],
    collect() {
      const board = latest();
      const asOfMs = board === null ? openedAtMs : board.asOfUs / 1_000;
      this.set(Math.max(0, Date.now() - asOfMs) / 1_000);
    },
  });
};
