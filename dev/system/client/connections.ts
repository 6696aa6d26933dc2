/**
 * HTTP requests over kept-alive connections to one API, one request at a time on each, by undici's dispatcher: what
 * undici has above it costs more CPU than the request itself.
 *
 * The client of everything in this repository that sends orders from Node:
 * - this file sends one request and reports its reply and its times, or why there was none;
 * - pacing.ts says when: an open loop, at planned times;
 * - sockets.ts does the same for single orders over a WebSocket;
 * - orders.ts says what: a request of orders under their ids, and the same ids again until they are acknowledged.
 */
import { Client, type Dispatcher } from "undici";
import type { Reply } from "#shared/client/outcome.ts";

/** A reply, or that there was none: status 0 and the reason in `failure`. Times are of performance.now(). */
export type Received = Reply & {
  /** When the request was written to its connection; when it was passed to `post`, if it never was. */
  readonly sentMs: number;
  readonly endMs: number;
  /** `timeout`: no reply in time. `connection`: refused, reset, or closed by `close`. Null with a reply. */
  readonly failure: "timeout" | "connection" | null;
};

type OnReceived = (received: Received) => void;

export type Connections = {
  readonly url: string;
  /** `key` becomes the header Idempotency-Key. Calls `onReceived` once; after `close` at once, with a failure. */
  post(path: string, body: string, key: string | null, onReceived: OnReceived): void;
  get(path: string, onReceived: OnReceived): void;
  /** Opens connections ahead of the first request: a server accepts one in each turn of its event loop. */
  openAhead(count: number): Promise<void>;
  /** Requests without a reply yet. */
  underWay(): number;
  /** Ends requests under way: each is reported with the failure `connection`. */
  close(): Promise<void>;
};

const SWEEP_MS = 100;
const AHEAD_AT_ONCE = 20;

/**
 * `url` may have a path, which stands before the paths of requests. `replyWithinMs` is kept to 100 ms. Requests carry `token`
 * where the API requires one.
 */
export const openConnections = (
  url: string,
  replyWithinMs: number,
  token: string | null = null,
): Connections => {
  const { origin, pathname } = new URL(url);
  const authorization = token === null ? [] : ["authorization", `Bearer ${token}`];
  const jsonHeaders = ["content-type", "application/json", ...authorization];
  const root = pathname.replace(/\/$/, "");
  // the one used last first: as few stay in use as are needed
  const free: Client[] = [];
  const all: Client[] = [];
  /** The oldest first. */
  const underWay = new Set<Exchange>();

  const connection = (): Client => {
    // one sweep bounds all requests; a timer for each would cost more than the request
    const client = new Client(origin, { pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    all.push(client);
    return client;
  };
  const sweep = setInterval(() => {
    const dueMs = performance.now() - replyWithinMs;
    for (const exchange of underWay) {
      if (exchange.startedMs > dueMs) break;
      exchange.expire();
    }
  }, SWEEP_MS).unref();

  const dispatch = (
    client: Client,
    options: { method: "GET" | "POST"; path: string; headers: string[]; body: string | null },
    onReceived: OnReceived,
  ): void => {
    const exchange = new Exchange((received) => {
      underWay.delete(exchange);
      free.push(client);
      onReceived(received);
    });
    underWay.add(exchange);
    client.dispatch({ ...options, path: root + options.path }, exchange);
  };
  const get = (client: Client, path: string, onReceived: OnReceived): void =>
    dispatch(client, { method: "GET", path, headers: authorization, body: null }, onReceived);

  return {
    url,
    post: (path, body, key, onReceived) => {
      const headers = key === null ? jsonHeaders : [...jsonHeaders, "idempotency-key", key];
      dispatch(free.pop() ?? connection(), { method: "POST", path, headers, body }, onReceived);
    },
    get: (path, onReceived) => get(free.pop() ?? connection(), path, onReceived),
    openAhead: async (count) => {
      for (let opened = 0; opened < count; opened += AHEAD_AT_ONCE) {
        const next = Array.from({ length: Math.min(AHEAD_AT_ONCE, count - opened) }, connection);
        await Promise.all(next.map((client) => new Promise((resolve) => get(client, "/livez", resolve))));
      }
    },
    underWay: () => underWay.size,
    close: async () => {
      clearInterval(sweep);
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
};

/** One request and its reply. Its own handler and its own result: it allocates nothing else per request. */
class Exchange implements Dispatcher.DispatchHandler, Received {
  readonly startedMs = performance.now();
  sentMs = this.startedMs;
  endMs = 0;
  status = 0;
  body = "";
  isReplay = false;
  failure: Received["failure"] = null;
  readonly #onEnd: OnReceived;
  #controller: Dispatcher.DispatchController | null = null;
  #bytes: Buffer | null = null;
  #reason: "timeout" | "connection" = "connection";

  constructor(onEnd: OnReceived) {
    this.#onEnd = onEnd;
  }

  expire(): void {
    this.#reason = "timeout";
    // before the end is reported: the caller may use the connection again at once
    this.#controller?.abort(new Error("no reply in time"));
    this.#fail();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // undici drops a request whose handler throws here, and keeps the connection for the next one
    if (this.endMs > 0) throw new Error("no reply in time");
    this.#controller = controller;
    this.sentMs = performance.now();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    this.status = status;
    this.isReplay = headers["idempotency-replayed"] === "true";
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  onResponseEnd(): void {
    if (this.endMs > 0) return;
    this.body = this.#bytes?.toString() ?? "";
    this.#end();
  }

  onResponseError(): void {
    this.#fail();
  }

  #fail(): void {
    if (this.endMs > 0) return;
    this.status = 0;
    this.isReplay = false;
    this.failure = this.#reason;
    this.#end();
  }

  #end(): void {
    this.endMs = performance.now();
    this.#onEnd(this);
  }
}
