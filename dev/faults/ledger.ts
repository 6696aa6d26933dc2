/** What clients sent and what they were told: all that the checker believes. */

export type Sent = {
  readonly drink: string;
  readonly store: string;
  readonly cents: number;
  /** As sent; null means the time of its acceptance. */
  readonly timestamp: string | null;
};

/**
 * - `acknowledged`: a reply said that it is taken; it has to be there, once.
 * - `refused`: every reply said that it is not taken; it must not be there.
 * - `unknown`: no reply, or one that does not know; it may be there, once.
 */
export type Fate = "acknowledged" | "refused" | "unknown";

export type Entry = {
  readonly id: string;
  readonly sent: Sent;
  /** Bodies sent under the same key, of which no client was told that they lost: any one of them may be stored. */
  readonly others: readonly Sent[];
  /** Milliseconds of performance.now(): when it was due, and when it was first acknowledged. */
  readonly dueMs: number;
  acknowledgedMs: number | null;
  fate: Fate;
};

export type Ledger = {
  add(id: string, sent: Sent, dueMs: number, others?: readonly Sent[]): Entry;
  /** What a reply, or its absence, says of an order. What was once acknowledged stays so. */
  told(id: string, fate: Fate): void;
  entries(): readonly Entry[];
  get(id: string): Entry | undefined;
};

export const openLedger = (): Ledger => {
  const entries = new Map<string, Entry>();
  return {
    add: (id, sent, dueMs, others = []) => {
      const entry: Entry = { id, sent, others, dueMs, acknowledgedMs: null, fate: "refused" };
      entries.set(id, entry);
      return entry;
    },
    told: (id, fate) => {
      const entry = entries.get(id);
      if (entry === undefined || entry.fate === "acknowledged" || fate === "refused") return;
      entry.fate = fate;
      if (fate === "acknowledged") entry.acknowledgedMs = performance.now();
    },
    entries: () => [...entries.values()],
    get: (id) => entries.get(id),
  };
};
