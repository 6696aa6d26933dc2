/**
 * What the clients of a run know about each order that they sent: the only evidence that an audit (audit.ts) accepts
 * about what has to be stored.
 */
import type { Outcome as ReplyOutcome } from "#shared/client/outcome.ts";

/**
 * - `acknowledged`: a reply accepted it. It has to be stored, once.
 * - `refused`: every reply rejected it. It must not be stored.
 * - `unknown`: no reply, or one that leaves it open. It may be stored, once.
 * - `unsent`: the client made the id and sent nothing. It must not be stored.
 */
export type Outcome = ReplyOutcome | "unsent";

export type Body = {
  readonly drink: string;
  readonly store: string;
  readonly cents: number;
  /** As sent; null when the order carried none, so that the server set it. */
  readonly timestamp: string | null;
};

/**
 * Each order has an index below `size`, so that an audit of millions of orders needs one byte for each. A generator
 * whose ids can be computed needs no table of them.
 */
export type Account = {
  readonly size: number;
  /** Undefined for an id that no client of this account made. */
  indexOf(id: string): number | undefined;
  idAt(index: number): string;
  outcomeAt(index: number): Outcome;
  /** The bodies sent under this id; any one of them may be stored. */
  bodiesAt(index: number): readonly Body[];
};

export type Entry = {
  readonly id: string;
  readonly body: Body;
  /** Further bodies sent under the same id, of which no reply said that another one is stored. */
  readonly others: readonly Body[];
  /** When the order was due, in milliseconds of performance.now(). */
  readonly dueMs: number;
  /** When it was first acknowledged. */
  acknowledgedMs: number | null;
  outcome: Outcome;
};

export type SentOrder = Body & { readonly id: string };

/** An account that is filled order by order, for clients whose ids are random. */
export type Ledger = Account & {
  add(order: SentOrder, dueMs: number, others?: readonly Body[]): Entry;
  /** The outcome of one more attempt. An acknowledged order stays acknowledged, an unknown one is never refused. */
  record(id: string, outcome: ReplyOutcome): void;
  entries(): readonly Entry[];
  get(id: string): Entry | undefined;
};

export const openLedger = (): Ledger => {
  const entries: Entry[] = [];
  const indexes = new Map<string, number>();
  const at = (index: number): Entry => {
    const entry = entries[index];
    if (entry === undefined) throw new Error(`the ledger has no entry ${index}`);
    return entry;
  };
  const get = (id: string): Entry | undefined => entries[indexes.get(id) ?? -1];
  return {
    get size() {
      return entries.length;
    },
    indexOf: (id) => indexes.get(id),
    idAt: (index) => at(index).id,
    outcomeAt: (index) => at(index).outcome,
    bodiesAt: (index) => [at(index).body, ...at(index).others],
    add: ({ id, ...body }, dueMs, others = []) => {
      if (indexes.has(id)) throw new Error(`order ${id} is in the ledger already`);
      const entry: Entry = { id, body, others, dueMs, acknowledgedMs: null, outcome: "refused" };
      indexes.set(id, entries.push(entry) - 1);
      return entry;
    },
    record: (id, outcome) => {
      const entry = get(id);
      if (entry === undefined || entry.outcome === "acknowledged" || outcome === "refused") return;
      entry.outcome = outcome;
      if (outcome === "acknowledged") entry.acknowledgedMs = performance.now();
    },
    entries: () => entries,
    get,
  };
};

/** How many orders of the account have each outcome. */
export const countOutcomes = (account: Account): Readonly<Record<Outcome, number>> => {
  const counts = { acknowledged: 0, refused: 0, unknown: 0, unsent: 0 };
  for (let index = 0; index < account.size; index++) counts[account.outcomeAt(index)]++;
  return counts;
};
