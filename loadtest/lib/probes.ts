/**
 * Probe orders and the dashboard that has to show them. Of two orders for one store nobody could tell which came first,
 * so a store has one under way at a time: the k-th order of the hour is visible when the store shows k.
 *
 * Times are milliseconds of one clock.
 */

export type Seen = { readonly freshnessMs: number };

export type Probes = {
  /** True when the order may be sent now; its store then waits for it. Before the first dashboard nobody may. */
  begin(store: string, atMs: number): boolean;
  /** Nothing was taken: the store is free. */
  refused(store: string): void;
  /** It may be taken or not, so what the store shows says nothing until the time for it is over. */
  unknown(store: string): void;
  /** What a dashboard shows of which hour: a store that is missing has sold nothing. Returns what has become visible. */
  shown(hour: string, orders: ReadonlyMap<string, number>, atMs: number): Seen[];
  /** Orders for which the time is over are missed, each once; their stores wait on. Returns how many. */
  missed(atMs: number): number;
  /** Orders that may still be seen in time. */
  underWay(): number;
};

type Waiting = {
  readonly sentMs: number;
  /** The store's count that shows it. */
  readonly target: number;
  state: "under way" | "missed" | "unknown";
};

export const openProbes = (visibleWithinMs: number): Probes => {
  const waiting = new Map<string, Waiting>();
  let counts: ReadonlyMap<string, number> | null = null;
  let hourShown = "";

  return {
    begin: (store, atMs) => {
      if (counts === null || waiting.has(store)) return false;
      waiting.set(store, { sentMs: atMs, target: (counts.get(store) ?? 0) + 1, state: "under way" });
      return true;
    },
    refused: (store) => {
      waiting.delete(store);
    },
    unknown: (store) => {
      const order = waiting.get(store);
      if (order) order.state = "unknown";
    },
    shown: (hour, orders, atMs) => {
      // counts begin anew, and an order that is under way may be in either hour: nobody can tell
      if (hour !== hourShown) for (const order of waiting.values()) order.state = "unknown";
      [hourShown, counts] = [hour, orders];
      const seen: Seen[] = [];
      for (const [store, { target, sentMs, state }] of waiting) {
        if (state === "unknown" || (orders.get(store) ?? 0) < target) continue;
        if (state === "under way") seen.push({ freshnessMs: atMs - sentMs });
        waiting.delete(store);
      }
      return seen;
    },
    missed: (atMs) => {
      let count = 0;
      for (const [store, order] of waiting) {
        if (atMs - order.sentMs < visibleWithinMs) continue;
        if (order.state === "under way") count++;
        if (order.state === "unknown") waiting.delete(store);
        else order.state = "missed";
      }
      return count;
    },
    underWay: () => [...waiting.values()].filter(({ state }) => state === "under way").length,
  };
};
