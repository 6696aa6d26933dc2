/**
 * Requests over connections that are kept, one under way on each, by the lowest layer of undici: what lies above it costs
 * more than the request.
 */
import { Client, type Dispatcher } from "undici";
import type { Reply } from "../lib/ledger.ts";

export type Connections = {
  /**
   * `onReply` is called once; with the status 0 when there was no reply in time, or none at all. `leftMs`: when the request
   * was written, by performance.now(); of one that never was, when it was handed over.
   */
  post(path: string, body: string, key: string | null, onReply: (reply: Reply, leftMs: number) => void): void;
  underWay(): number;
  close(): Promise<void>;
};

const TYPE = ["content-type", "application/json"];
const SWEEP_MS = 100;
const NO_REPLY: Reply = { status: 0, body: "", isReplay: false };

type Controller = Dispatcher.DispatchController;

export const openConnections = (baseUrl: string, replyWithinMs: number): Connections => {
  const { origin, pathname } = new URL(baseUrl);
  const root = pathname.replace(/\/$/, "");
  // the one used last first: as few stay in use as are needed
  const free: Client[] = [];
  const all: Client[] = [];
  /** The oldest first. */
  const flights = new Set<Flight>();

  const connection = (): Client => {
    // the sweep bounds all of it at once; a timer of its own for each request would cost more
    const client = new Client(origin, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    all.push(client);
    return client;
  };
  const sweep = setInterval(() => {
    const dueMs = performance.now() - replyWithinMs;
    for (const flight of flights) {
      if (flight.sentMs > dueMs) break;
      flight.giveUp();
    }
  }, SWEEP_MS);

  return {
    post: (path, body, key, onReply) => {
      const client = free.pop() ?? connection();
      const headers = key === null ? TYPE : [...TYPE, "idempotency-key", key];
      const flight = new Flight((reply) => {
        flights.delete(flight);
        free.push(client);
        onReply(reply, flight.leftMs);
      });
      flights.add(flight);
      client.dispatch({ method: "POST", path: root + path, headers, body }, flight);
    },
    underWay: () => flights.size,
    close: async () => {
      clearInterval(sweep);
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
};

/** A request on its way, as undici tells of it. */
class Flight implements Dispatcher.DispatchHandler {
  readonly sentMs = performance.now();
  leftMs = this.sentMs;
  readonly #done: (reply: Reply) => void;
  #controller: Controller | null = null;
  #isDone = false;
  #status = 0;
  #isReplay = false;
  #body = "";

  constructor(done: (reply: Reply) => void) {
    this.#done = done;
  }

  giveUp(): void {
    this.#controller?.abort(new Error("no reply in time"));
    this.#finish(NO_REPLY);
  }

  onRequestStart(controller: Controller): void {
    // thrown, it is dropped, and the connection stays for the next one
    if (this.#isDone) throw new Error("no reply in time");
    this.#controller = controller;
    this.leftMs = performance.now();
  }

  onResponseStart(_controller: Controller, status: number, headers: Record<string, unknown>): void {
    this.#status = status;
    this.#isReplay = headers["idempotency-replayed"] === "true";
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#body += chunk.toString("latin1");
  }

  onResponseEnd(): void {
    this.#finish({ status: this.#status, body: this.#body, isReplay: this.#isReplay });
  }

  onResponseError(): void {
    this.#finish(NO_REPLY);
  }

  #finish(reply: Reply): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#done(reply);
  }
}
