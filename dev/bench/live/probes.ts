/**
 * Probe orders: each is for a store that no other order under way is for, so that the store's count on a dashboard says
 * when that very order was counted. Of two orders for one store it could not be told which came first: what is accepted
 * first need not be counted first (Kafka's partitions are read side by side).
 */

/** Milliseconds of one clock; NaN until it happens. */
export type Probe = { readonly store: string; readonly dueMs: number; acceptedMs: number; seenMs: number };

export type Probes = {
  /** A new probe order; null while every store is waited for. */
  begin(dueMs: number): Probe | null;
  /** It was not accepted. Its store is not asked again: the order may be counted all the same. */
  lost(probe: Probe): void;
  /** What a dashboard shows of the hour, as it comes: a store that is missing has sold nothing. */
  shown(orders: ReadonlyMap<string, number>, atMs: number): void;
  /** How many are neither seen yet nor lost. */
  waiting(): number;
  /** Those begun so far. */
  readonly all: readonly Probe[];
};

/** Within one hour: with the next one the counts begin anew. */
export const openProbes = (stores: readonly string[]): Probes => {
  const free = [...stores];
  const all: Probe[] = [];
  const waiting = new Map<Probe, number>();
  let counts: ReadonlyMap<string, number> = new Map();
  return {
    all,
    waiting: () => waiting.size,
    begin: (dueMs) => {
      const store = free.shift();
      if (store === undefined) return null;
      const probe = { store, dueMs, acceptedMs: Number.NaN, seenMs: Number.NaN };
      all.push(probe);
      waiting.set(probe, counts.get(store) ?? 0);
      return probe;
    },
    lost: (probe) => {
      waiting.delete(probe);
    },
    shown: (orders, atMs) => {
      counts = orders;
      for (const [probe, before] of waiting) {
        if ((orders.get(probe.store) ?? 0) <= before) continue;
        probe.seenMs = atMs;
        waiting.delete(probe);
        free.push(probe.store);
      }
    },
  };
};
