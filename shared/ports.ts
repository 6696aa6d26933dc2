/**
 * The interfaces of the system: what an ingest mode is to the order API (an Intake) and to the worker (a Source).
 *
 * A mode is a transport and nothing else. Validation, replies, back-pressure, counting, dead letters and
 * publishing are the same code for all of them, so that an experiment varies the transport alone.
 */
import type { TObject } from "typebox";
import type { ModeName, Order } from "./domain/order.ts";
import type { ServerName } from "./servers.ts";

/**
 * Accepts orders durably. One per mode and API process. It opens at once, with or without a backend, and connects in
 * the background until it is closed.
 */
export type Intake = {
  /**
   * Called by the order API with the valid orders of one request, any number of calls at a time. The orders of a call
   * share one durable write. Resolves with an outcome for each order, in their order, only when the crash of any single
   * process can no longer lose those that have a receipt.
   *
   * Rejects within 2 seconds, always with `Unavailable`: none is taken, or (`outcome_unknown`) some or all may be.
   * Resending the same orders is safe in both cases, because orders are counted by id.
   */
  accept(orders: readonly Order[]): Promise<readonly Outcome[]>;
  /**
   * Called by the order API before it reads a request's body, so it must be cheap. True when a new order would be rejected
   * as `queue_full`, or would wait too long for its write.
   */
  isFull(): boolean;

  /**
   * Called by the order API about once a second. Resolves with the orders accepted and not yet counted, by every
   * process, or with at least `most` when there are more, because counting them all would cost too much. Rejects when
   * the mode's own backend does not answer.
   */
  backlog(most: number): Promise<Backlog>;
  /**
   * Called by the order API about once a second while no orders are written. Resolves when the backend would take an
   * order now, and rejects with the reason when it would not. Stores nothing that is counted.
   */
  probe(): Promise<void>;
  /**
   * The backend's settings that `Mode.durability` depends on, by the backend's own names, as read back from the
   * connections that write; null before the first of them. A connection with other settings is not used.
   */
  verified(): Verified | null;

  /** Rejects new orders, writes the queued ones, closes connections. */
  close(): Promise<void>;
};

export type Verified = Readonly<Record<string, string>>;

/**
 * An error concerns one order: `KeyConflict` when its id belongs to an order with another body (only a mode that can see
 * it at once), `Unavailable` when the outcome is unknown, any other when the backend rejects this very order.
 */
export type Outcome = Receipt | Error;

/**
 * `replayed`: the same order was stored before, with this event time. Modes that detect duplicates after the reply
 * return false.
 */
export type Receipt =
  | { readonly replayed: false }
  | { readonly replayed: true; readonly eventTimeMs: number };

/**
 * `oldestMs` is the age of the oldest order not yet counted, 0 when there is none. `keptMs`: the transport drops orders
 * that are older than this, by its own settings.
 */
export type Backlog = { readonly orders: number; readonly oldestMs: number; readonly keptMs?: number };

/**
 * Delivers accepted orders to be counted. One per worker process; any number of them may run for one mode.
 */
export type Source = {
  /**
   * Hands over one delivery after the other until `signal` aborts, then settles the current ones and resolves.
   *
   * `count` resolves once every order of the delivery is settled: counted, found to be a duplicate, or stored as a dead
   * letter. Only then may the source acknowledge the delivery to its backend. If `count` rejects, the delivery stays
   * unacknowledged and `run` rejects with that error: the same orders are redelivered to this group's next run, or to
   * any group created later, as long as the backend holds them.
   *
   * `run` waits for an unavailable backend and does not reject for it. It rejects with a sentence when the backend answers
   * at the start that a setting is wrong. A delivery may arrive more than once, and at
   * several workers at a time: counting is by id.
   */
  run(count: Count, signal: AbortSignal): Promise<void>;

  /** Called after `run` has ended. */
  close(): Promise<void>;
};

export type Count = (delivery: Delivery) => Promise<void>;

/**
 * What a source delivers: orders carried by the transport, or the notice that orders in PostgreSQL can be counted.
 *
 * `part` is the slice of the source that no other worker normally has at the same time (a partition, a slot): it is also
 * the rollup shard, so that workers do not wait for each other's rows. `position` is how far the part has been read, in
 * the backend's own terms.
 */
export type Delivery =
  | {
      readonly kind: "carried";
      readonly part: number;
      readonly position: string;
      readonly entries: readonly Entry[];
    }
  | { readonly kind: "stored"; readonly part: number };

/** One entry or record as stored in the backend: `payload` is the JSON text of one order or an array of them. */
export type Entry = { readonly origin: string; readonly payload: string };

/** An order was not accepted, or its outcome is unknown. The client may resend it with the same id. */
export class Unavailable extends Error {
  readonly reason: UnavailableReason;
  constructor(reason: UnavailableReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
export type UnavailableReason =
  | "queue_full"
  | "timeout"
  | "backend_away"
  | "outcome_unknown"
  | "lag"
  | "overloaded"
  | "closing";

/** The id belongs to an order with another body. */
export class KeyConflict extends Error {}

export type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/**
 * One ingest mode: a folder under shared/modes and a line in shared/modes/all.ts. `knobs` is the TypeBox schema
 * of its settings (each with default, unit in the name and description); a program merges them into its own.
 */
export type Mode = {
  readonly name: ModeName;
  readonly title: string;
  /** The server without which the mode cannot accept orders. */
  readonly backend: ServerName;
  /** The state of an accepted order: `stored` in PostgreSQL (201), or `queued` on its way there (202). */
  readonly accepts: "stored" | "queued";
  readonly knobs: TObject;
  /** Throws an Error with one sentence when settings do not fit together, or a file that they name cannot be used. */
  check?(settings: Readonly<Record<string, unknown>>): void;
  /** What a reply promises under these settings, as a text for users. */
  durability(settings: Record<string, unknown>): string;
  /**
   * For a transport that keeps an accepted order for a set time, counted or not: how long, and the knob that sets it. The
   * transport may redeliver the order until then, and drops it even if it was not counted.
   */
  readonly keeps?: { readonly knob: string; ms(settings: Readonly<Record<string, unknown>>): number };
  /**
   * `failed` is called at most once, with a sentence, when the backend has answered that a setting is wrong before it was
   * ever used: the program has to stop.
   */
  openIntake(settings: Record<string, unknown>, log: Log, failed?: (error: Error) => void): Intake;
  openSource(settings: Record<string, unknown>, log: Log): Source;
};
